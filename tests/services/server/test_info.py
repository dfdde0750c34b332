"""
Tests for :mod:`gitaly_tx.services.server.info`.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.services.server.info import FRESH, PROBE, StorageStatuses, server_info
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
        statuses = StorageStatuses(storages, inline_threads)
        done = Deferred.fromCoroutine(server_info("0.1.0", git, statuses))  # type: ignore[arg-type]
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


class StorageStatusesTests(SynchronousTestCase):
    """
    ``StorageStatuses``
    """

    def setUp(self):
        self.time = 0.0
        self.looks = []
        root = Path(self.mktemp())
        root.mkdir()
        storages = {"default": StorageInfo("default", str(root), "")}
        self.statuses = StorageStatuses(storages, self.in_thread, lambda: self.time)  # type: ignore[arg-type]

    def in_thread(self, work, *arguments):
        self.looks.append(Deferred())
        return self.looks[-1].addCallback(lambda _: work(*arguments))

    def ask(self):
        return Deferred.fromCoroutine(self.statuses.get())

    def test_shared(self):
        """
        Whoever asks while somebody looks gets what is found, and so does whoever asks soon after.
        """
        asked = [self.ask() for _ in range(3)]
        self.assertEqual(len(self.looks), 1)
        self.looks[0].callback(None)
        found = [self.successResultOf(each) for each in asked]
        self.assertTrue(all(statuses[0].writeable for statuses in found))
        self.time += FRESH / 2
        self.successResultOf(self.ask())
        self.assertEqual(len(self.looks), 1)
        self.time += FRESH
        last = self.ask()
        self.assertEqual(len(self.looks), 2)
        self.looks[1].callback(None)
        self.successResultOf(last)

    def test_failed(self):
        """
        If a look fails, or whoever looks goes away, the next one looks.
        """
        first, second, third = self.ask(), self.ask(), self.ask()
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertEqual(len(self.looks), 2)
        self.looks[1].errback(OSError())
        self.failureResultOf(second, OSError)
        self.looks[2].callback(None)
        self.assertEqual(len(self.successResultOf(third)), 1)
