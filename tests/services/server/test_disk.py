"""
Tests for :mod:`gitaly_tx.services.server.disk`.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.services.server.disk import disk_statistics
from gitaly_tx.storage.interfaces import StorageInfo
from tests.support.threads import inline_threads


class DiskStatisticsTests(SynchronousTestCase):
    """
    ``disk_statistics``.
    """

    def test_numbers(self):
        """
        Free and used bytes are the file system's; a storage that has gone has zeros and its name.
        """
        root = Path(self.mktemp())
        root.mkdir()
        storages = {
            "default": StorageInfo("default", str(root), ""),
            "gone": StorageInfo("gone", self.mktemp(), ""),
        }
        reply = self.successResultOf(Deferred.fromCoroutine(disk_statistics(storages, inline_threads)))
        default, gone = reply.storage_statuses
        numbers = os.statvfs(root)
        total = numbers.f_blocks * numbers.f_frsize
        self.assertEqual(default.storage_name, "default")
        self.assertTrue(0 < default.available < total)
        self.assertTrue(0 < default.used < total)
        # What others write meanwhile is little beside this.
        self.assertLess(abs(default.used + numbers.f_bfree * numbers.f_frsize - total), 1 << 30)
        self.assertEqual((gone.storage_name, gone.available, gone.used), ("gone", 0, 0))
