"""
Counters and histograms that one thread counts in.

Every call counts a dozen times. prometheus_client's own families take a lock and check their labels each time, because any thread
may count; that costs ten times what adding does. These are for what the reactor's thread alone counts, and are told by any.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Count:
    """
    One number of a :class:`Tally`.
    """

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self, amount: int = 1) -> None:
        """
        Count on.
        """
        self.value += amount


class Tally(Collector):
    """
    A family of counters.

    :param name: ends in ``_total``.
    """

    def __init__(self, name: str, documentation: str, labelnames: Sequence[str], *, registry: CollectorRegistry) -> None:
        self.labelnames = tuple(labelnames)
        self._name = name
        self._documentation = documentation
        self._counts: dict[tuple[str, ...], Count] = {}
        registry.register(self)

    def labels(self, *values: str) -> Count:
        """
        The number for some values of the labels, in their order.
        """
        found = self._counts.get(values)
        if found is None:
            found = self._counts[values] = Count()
        return found

    def describe(self) -> Iterator[Metric]:
        """
        The family without its numbers.
        """
        yield CounterMetricFamily(self._name, self._documentation, labels=self.labelnames)

    def collect(self) -> Iterator[Metric]:
        """
        The family, as it is now.
        """
        family = CounterMetricFamily(self._name, self._documentation, labels=self.labelnames)
        for values, count in self._counts.copy().items():
            family.add_metric(values, count.value)
        yield family


class Spread:
    """
    One histogram of :class:`Spreads`.

    :param bounds: of its buckets, ascending.
    """

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, amount: float) -> None:
        """
        Count a value.
        """
        self.counts[bisect_left(self._bounds, amount)] += 1
        self.sum += amount


class Spreads(Collector):
    """
    A family of histograms.

    :param buckets: the upper bounds, ascending, without infinity.
    """

    def __init__(
        self, name: str, documentation: str, labelnames: Sequence[str], *, buckets: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self.labelnames = tuple(labelnames)
        self._name = name
        self._documentation = documentation
        self._bounds = tuple(buckets)
        self._named = [*map(floatToGoString, self._bounds), "+Inf"]
        self._spreads: dict[tuple[str, ...], Spread] = {}
        registry.register(self)

    def labels(self, *values: str) -> Spread:
        """
        The histogram for some values of the labels, in their order.
        """
        found = self._spreads.get(values)
        if found is None:
            found = self._spreads[values] = Spread(self._bounds)
        return found

    def describe(self) -> Iterator[Metric]:
        """
        The family without its numbers.
        """
        yield HistogramMetricFamily(self._name, self._documentation, labels=self.labelnames)

    def collect(self) -> Iterator[Metric]:
        """
        The family, as it is now.
        """
        family = HistogramMetricFamily(self._name, self._documentation, labels=self.labelnames)
        for values, spread in self._spreads.copy().items():
            buckets, total = [], 0
            for name, count in zip(self._named, spread.counts.copy(), strict=True):
                total += count
                buckets.append((name, total))
            family.add_metric(values, buckets, spread.sum)
        yield family


__all__ = ["Count", "Spread", "Spreads", "Tally"]
