"""
Tests for :mod:`gitaly_tx.services.server.info`.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.services.server.info import PROBE, server_info
from gitaly_tx.storage.filesystems import filesystem_name
from gitaly_tx.storage.interfaces import StorageInfo
from tests.support.threads import inline_threads


class FakeGit:
    """
    A git of a version.
    """

    version_text = "2.55.0"


class ServerInfoTests(SynchronousTestCase):
    """
    ``server_info``.
    """

    def status(self, path, filesystem_id="id"):
        git: object = FakeGit()
        storages = {"default": StorageInfo("default", str(path), filesystem_id)}
        done = Deferred.fromCoroutine(server_info("0.1.0", git, storages, inline_threads))  # type: ignore[arg-type]
        (status,) = self.successResultOf(done).storage_statuses
        return status

    def test_healthy(self):
        """
        A storage that works is readable and writeable, and nothing is left in it.
        """
        root = Path(self.mktemp())
        root.mkdir()
        status = self.status(root)
        self.assertTrue(status.readable and status.writeable)
        self.assertEqual(status.fs_type, filesystem_name(str(root)))
        self.assertEqual((status.filesystem_id, status.replication_factor), ("id", 1))
        self.assertEqual(os.listdir(root), [])

    def test_vanished(self):
        """
        A storage that has gone is neither readable nor writeable, and its file system is unknown.
        """
        status = self.status(self.mktemp(), "")
        self.assertEqual((status.readable, status.writeable, status.fs_type), (False, False, "unknown"))
        self.assertEqual(status.storage_name, "default")

    def test_not_writeable(self):
        """
        A storage in which the file cannot be made is readable and not writeable (fault S13).
        """
        root = Path(self.mktemp())
        (root / PROBE).mkdir(parents=True)
        status = self.status(root)
        self.assertEqual((status.readable, status.writeable), (True, False))

    def test_link(self):
        """
        A link under the file's name is not followed.
        """
        root = Path(self.mktemp())
        root.mkdir()
        precious = Path(self.mktemp())
        precious.write_text("precious")
        (root / PROBE).symlink_to(precious.absolute())
        self.assertFalse(self.status(root).writeable)
        self.assertEqual(precious.read_text(), "precious")
