"""
Tests for :mod:`gitaly_tx.server.backups`.
"""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.backup.backups import Backups
from gitaly_tx.config.load import parse
from gitaly_tx.observability.metrics import Metrics
from gitaly_tx.server.backups import kept_backups
from gitaly_tx.server.measures import Measures

ANYTHING: Any = object()


class KeptBackupsTests(SynchronousTestCase):
    """
    ``kept_backups``
    """

    def made(self, text: str) -> Backups | None:
        self.metrics = Metrics(CollectorRegistry(), process=False)
        config = parse(f"[backup]\n{text}", None)
        measures = Measures(self.metrics)
        return kept_backups(Clock(), ANYTHING, config, ANYTHING, ANYTHING, ANYTHING, ANYTHING, measures)

    def test_none(self) -> None:
        """
        Without a place there are no backups.
        """
        self.assertIsNone(self.made('layout = "manifest"\n'))

    def test_some(self) -> None:
        """
        They are kept where the configuration says, and measured as Gitaly measures them.
        """
        backups: Any = self.made('go_cloud_url = "file:///x/y"\n')
        self.assertEqual((backups.sink.root, backups._creating._locator._pointers), ("/x/y", True))
        backups = self.made('go_cloud_url = "/x"\nlayout = "manifest"\n')
        self.assertEqual((backups.sink.root, backups._creating._locator._pointers), ("/x", False))
        backups._creating._measured.phase("refs", 0.5)
        backups._creating._measured.bundle(1000)
        value = self.metrics.registry.get_sample_value
        self.assertEqual(value("gitaly_backup_latency_seconds_sum", {"phase": "refs"}), 0.5)
        self.assertEqual(value("gitaly_backup_bundle_bytes_sum"), 1000)
        self.assertEqual(value("gitaly_backup_bundle_bytes_bucket", {"le": "1.0"}), 0)
