"""
Tests for :mod:`gitaly_tx.storage.filesystems`.
"""

from __future__ import annotations

import ctypes
import subprocess

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.storage.filesystems import NAMES, UNKNOWN, filesystem_magic, filesystem_name


class FilesystemTests(SynchronousTestCase):
    """
    ``filesystem_magic`` and ``filesystem_name``.
    """

    def test_magic(self):
        """
        The number is the one that stat(1) shows.
        """
        for path in ("/", "/proc", "/dev/shm"):
            shown = subprocess.run(["stat", "-f", "-c", "%t", path], capture_output=True, check=True, text=True).stdout
            self.assertEqual(filesystem_magic(path), int(shown, 16))

    def test_names(self):
        """
        A file system that is known is called by its name, any other is unknown.
        """
        self.assertEqual(filesystem_name("/dev/shm"), "TMPFS")
        self.assertEqual(filesystem_name("/proc"), UNKNOWN)
        self.assertEqual(filesystem_name(self.mktemp()), UNKNOWN)

    def test_other_systems(self):
        """
        Where the C library has no statfs it cannot be asked.
        """
        self.patch(ctypes, "CDLL", lambda *arguments, **more: object())
        self.assertIsNone(filesystem_magic("/"))

    def test_spelling(self):
        """
        Names are upper case and stand once.
        """
        self.assertEqual([name for name in NAMES.values() if name != name.upper()], [])
        self.assertEqual(len(set(NAMES.values())), len(NAMES))
