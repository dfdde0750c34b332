"""
Tests for :mod:`gitaly_tx.config.checkbackup`.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.backup.locator import LAYOUTS as KNOWN
from gitaly_tx.config.checkbackup import LAYOUTS, backup_directory

from .test_check import complaints


class BackupTests(SynchronousTestCase):
    """
    ``[backup]``
    """

    def asked(self, url: str, more: str = "") -> list[tuple[str, str]]:
        return complaints(f'[backup]\ngo_cloud_url = "{url}"\n{more}')

    def test_directories(self) -> None:
        """
        A path and a file URL name a directory, which need not be there.
        """
        for url in ("/x/y", "file:///x/y", "file://localhost/x/y", "file:///x/%79", "/x//y/", "/x/z/../y"):
            self.assertEqual(backup_directory(url), "/x/y", url)
            self.assertEqual(self.asked(url), [], url)
        self.assertEqual(self.asked(""), [])

    def test_others(self) -> None:
        """
        Everything else is refused, in words that show no secret of it.
        """
        for url in ("s3://key:secret@x", "gs://x", "azblob://x", "mem://", "file://host/x", "file:x", "x/y", "./x", "file://[/x"):
            self.assertIsNone(backup_directory(url), url)
            ((key, what),) = self.asked(url)
            self.assertEqual(key, "backup.go_cloud_url", url)
            self.assertTrue(what.startswith("backups cannot be kept in "), what)
            self.assertNotIn("secret", what)

    def test_unusable(self) -> None:
        """
        A file, the root and a directory that cannot be written are told; so is one that is lost with a storage.
        """
        path = os.path.abspath(self.mktemp())
        with open(path, "w"):
            pass
        for bad in (path, "/"):
            self.assertEqual(self.asked(bad), [("backup.go_cloud_url", f"{bad} is no directory for backups")])
        storage = os.path.abspath(self.mktemp())
        os.mkdir(storage)
        table = f'[[storage]]\nname = "s"\npath = "{storage}"\n'
        expected = [("?backup.go_cloud_url", "backups lie in storage 's', and are lost with it")]
        self.assertEqual(self.asked(f"{storage}/backups", table), expected)
        self.assertEqual(self.asked(f"{storage}-backups", table), [])
        access = os.access
        self.patch(os, "access", lambda path, *more: path != storage and access(path, *more))
        self.assertEqual(self.asked(storage), [("backup.go_cloud_url", f"{storage} cannot be written")])

    def test_layout(self) -> None:
        """
        The layouts are those that there are.
        """
        self.assertEqual(LAYOUTS, KNOWN)
        for layout in LAYOUTS:
            self.assertEqual(complaints(f'[backup]\nlayout = "{layout}"\n'), [])
        self.assertEqual(complaints('[backup]\nlayout = "x"\n'), [("backup.layout", "'x' is not a layout")])
