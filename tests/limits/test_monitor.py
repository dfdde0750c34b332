"""
Tests for :mod:`gitaly_tx.limits.monitor`.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.limits.interfaces import IMonitor
from gitaly_tx.limits.monitor import Unmonitored, method_monitor, packs_monitor, pool_monitor
from gitaly_tx.observability.metrics import Metrics

METHOD = {"system": "gitaly", "grpc_service": "gitaly.SSHService", "grpc_method": "SSHUploadPack"}


class MonitorTests(SynchronousTestCase):
    """
    ``Monitor`` and its makers.
    """

    def setUp(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry, process=False)

    def check(self, monitor: IMonitor, family: str, dropped: str, **labels: str) -> None:
        verifyObject(IMonitor, monitor)
        monitor.queued()
        monitor.queued()
        monitor.dequeued()
        monitor.entered(0.5)
        monitor.entered(1.0)
        monitor.left()
        monitor.dropped("max_size")
        value = self.registry.get_sample_value
        self.assertEqual(value(f"{family}_queued", labels), 1)
        self.assertEqual(value(f"{family}_in_progress", labels), 1)
        self.assertEqual(value(f"{family}_acquiring_seconds_sum", labels), 1.5)
        self.assertEqual(value(dropped, {**labels, "reason": "max_size"}), 1)

    def test_methods(self) -> None:
        """
        Limits on methods have Gitaly's families and labels.
        """
        monitor = method_monitor(self.metrics, "/gitaly.SSHService/SSHUploadPack")
        self.check(monitor, "gitaly_concurrency_limiting", "gitaly_requests_dropped_total", **METHOD)

    def test_packs(self) -> None:
        """
        So have packs.
        """
        self.check(packs_monitor(self.metrics), "gitaly_pack_objects", "gitaly_pack_objects_dropped_total")

    def test_pools(self) -> None:
        """
        Pools are ours.
        """
        self.check(pool_monitor(self.metrics, "known"), "gitaly_tx_pool", "gitaly_tx_pool_dropped_total", pool="known")

    def test_unmonitored(self) -> None:
        """
        Nobody has to measure.
        """
        monitor = Unmonitored()
        verifyObject(IMonitor, monitor)
        monitor.queued()
        monitor.dequeued()
        monitor.entered(1.0)
        monitor.left()
        monitor.dropped("rate")
        self.assertIsNone(self.registry.get_sample_value("gitaly_concurrency_limiting_queued", METHOD))
