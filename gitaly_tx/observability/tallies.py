"""
Counters and histograms that one thread counts in.

Every call counts a dozen times. prometheus_client's own families take a lock and check their labels each time, because any thread
may count; that costs ten times what adding does. These are for what the reactor's thread alone counts, and are told by any.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

N = TypeVar("N")


class _Family(Collector, Generic[N]):
    """
    Numbers that are told apart by their labels.

    :param new: makes one.
    """

    def __init__(
        self, name: str, documentation: str, labelnames: Sequence[str], registry: CollectorRegistry, new: Callable[[], N]
    ) -> None:
        self.labelnames = tuple(labelnames)
        self._name = name
        self._documentation = documentation
        self._new = new
        self._found: dict[tuple[str, ...], N] = {}
        registry.register(self)

    def labels(self, *values: str) -> N:
        """
        The one for some values of the labels, in their order.
        """
        found = self._found.get(values)
        if found is None:
            found = self._found[values] = self._new()
        return found


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


class Tally(_Family[Count]):
    """
    A family of counters.

    :param name: ends in ``_total``.
    """

    def __init__(self, name: str, documentation: str, labelnames: Sequence[str], *, registry: CollectorRegistry) -> None:
        super().__init__(name, documentation, labelnames, registry, Count)

    def describe(self) -> Iterator[Metric]:
        """
        The family without its numbers.
        """
        yield self._empty()

    def collect(self) -> Iterator[Metric]:
        """
        The family, as it is now.
        """
        family = self._empty()
        for values, count in self._found.copy().items():
            family.add_metric(values, count.value)
        yield family

    def _empty(self) -> CounterMetricFamily:
        return CounterMetricFamily(self._name, self._documentation, labels=self.labelnames)


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


class Spreads(_Family[Spread]):
    """
    A family of histograms.

    :param buckets: the upper bounds, ascending, without infinity.
    """

    def __init__(
        self, name: str, documentation: str, labelnames: Sequence[str], *, buckets: Sequence[float], registry: CollectorRegistry
    ) -> None:
        bounds = tuple(buckets)
        self._named = [*map(floatToGoString, bounds), "+Inf"]
        super().__init__(name, documentation, labelnames, registry, lambda: Spread(bounds))

    def describe(self) -> Iterator[Metric]:
        """
        The family without its numbers.
        """
        yield self._empty()

    def collect(self) -> Iterator[Metric]:
        """
        The family, as it is now.
        """
        family = self._empty()
        for values, spread in self._found.copy().items():
            buckets, total = [], 0
            for name, count in zip(self._named, spread.counts.copy(), strict=True):
                total += count
                buckets.append((name, total))
            family.add_metric(values, buckets, spread.sum)
        yield family

    def _empty(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self._name, self._documentation, labels=self.labelnames)


__all__ = ["Count", "Spread", "Spreads", "Tally"]
