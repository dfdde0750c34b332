"""
Tests for :mod:`gitaly_tx.observability.tallies`.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.observability.tallies import Spreads, Tally


def told(registry: CollectorRegistry) -> list[str]:
    """
    What Prometheus reads, but for the times at which a family's numbers were made.
    """
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]


class TallyTests(SynchronousTestCase):
    """
    ``Tally`` and ``Spreads`` are told as prometheus_client's own families are.
    """

    def test_counters(self) -> None:
        """
        Counters are told as if prometheus_client had counted, those of a family without numbers included.
        """
        ours, theirs = CollectorRegistry(), CollectorRegistry()
        for registry, kind in ((ours, Tally), (theirs, Counter)):
            kind("empty_total", "Nothing.", ("a",), registry=registry)
            family = kind("things_total", "Things.", ("a", "b"), registry=registry)
            family.labels("1", 'quote"d').inc()
            family.labels("1", 'quote"d').inc(5)
            family.labels("2", "").inc(0)
        self.assertEqual(told(ours), told(theirs))
        self.assertIn('things_total{a="1",b="quote\\"d"} 6.0', told(ours))

    def test_histograms(self) -> None:
        """
        A value on a bucket's bound is in that bucket; one above all of them is counted all the same.
        """
        ours, theirs = CollectorRegistry(), CollectorRegistry()
        for registry, kind in ((ours, Spreads), (theirs, Histogram)):
            family = kind("seconds", "Seconds.", ("a",), buckets=(0.001, 0.5, 10.0, 1500.0), registry=registry)
            for amount in (0.0001, 0.001, 0.2, 0.5, 9.0, 3000.0):
                family.labels("x").observe(amount)
        self.assertEqual(told(ours), told(theirs))
        self.assertEqual(ours.get_sample_value("seconds_bucket", {"a": "x", "le": "0.5"}), 4)

    def test_registered(self) -> None:
        """
        Two families cannot have one name.
        """
        registry = CollectorRegistry()
        for kind, more in ((Tally, {}), (Spreads, {"buckets": (1.0,)})):
            kind(f"{kind.__name__}_total", "Things.", (), registry=registry, **more)
            with self.assertRaises(ValueError):
                kind(f"{kind.__name__}_total", "Things.", (), registry=registry, **more)
