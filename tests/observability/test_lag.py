"""
Tests for :mod:`gitaly_tx.observability.lag`.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.observability.lag import LagSampler
from gitaly_tx.observability.metrics import Metrics


class LagTests(SynchronousTestCase):
    """
    How late a timed call comes is how long the reactor was held up.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.registry = CollectorRegistry()
        self.sampler = LagSampler(self.clock, Metrics(self.registry, process=False).reactor_lag, interval=0.5, alarm=1.0)
        self.sampler.startService()

    def figures(self) -> tuple[float | None, float | None]:
        name = "gitaly_tx_reactor_lag_seconds"
        return self.registry.get_sample_value(f"{name}_count"), self.registry.get_sample_value(f"{name}_sum")

    def test_idle(self) -> None:
        """
        A reactor that is never held up has no lag.
        """
        self.clock.pump([0.5] * 4)
        self.assertEqual(self.figures(), (4.0, 0.0))

    def test_held_up(self) -> None:
        """
        A call that holds the reactor is seen with its length, and a long one is logged.
        """
        with capturedLogs() as events:
            self.clock.advance(0.75)
            self.assertEqual(self.figures(), (1.0, 0.25))
            self.assertEqual(events, [])
            self.clock.advance(2.5)
        self.assertEqual(self.figures(), (2.0, 2.25))
        self.assertEqual([event["lag_seconds"] for event in events], [2.0])

    def test_stopped(self) -> None:
        """
        After the end nothing is left on the clock; stopping what never ran does no harm.
        """
        self.clock.advance(0.5)
        self.sampler.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        LagSampler(self.clock, Metrics(CollectorRegistry(), process=False).reactor_lag).stopService()
