"""
What limiters do, as numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from zope.interface import implementer

from ..observability.metrics import Metrics
from .interfaces import IMonitor

SYSTEM = "gitaly"
"""The value of a label that Gitaly has on these families."""


@implementer(IMonitor)
class Unmonitored:
    """
    For those who measure nothing.
    """

    def queued(self) -> None:
        """
        Ignored.
        """

    def dequeued(self) -> None:
        """
        Ignored.
        """

    def entered(self, seconds: float) -> None:
        """
        Ignored.
        """

    def left(self) -> None:
        """
        Ignored.
        """

    def dropped(self, reason: str) -> None:
        """
        Ignored.
        """


class Level(Protocol):
    """
    A gauge.
    """

    def inc(self) -> None: ...

    def dec(self) -> None: ...


class Durations(Protocol):
    """
    A histogram.
    """

    def observe(self, amount: float) -> None: ...


@implementer(IMonitor)
class Monitor:
    """
    Counts in metric families.

    :param queued: how many wait.
    :param in_progress: how many are in.
    :param acquiring: how long it took to get in.
    :param dropped: told why somebody was turned away.
    """

    def __init__(self, queued: Level, in_progress: Level, acquiring: Durations, dropped: Callable[[str], None]) -> None:
        self._queued = queued
        self._in_progress = in_progress
        self._acquiring = acquiring
        self._dropped = dropped

    def queued(self) -> None:
        """
        One more waits.
        """
        self._queued.inc()

    def dequeued(self) -> None:
        """
        One less waits.
        """
        self._queued.dec()

    def entered(self, seconds: float) -> None:
        """
        One more is in.
        """
        self._in_progress.inc()
        self._acquiring.observe(seconds)

    def left(self) -> None:
        """
        One less is in.
        """
        self._in_progress.dec()

    def dropped(self, reason: str) -> None:
        """
        One was turned away.
        """
        self._dropped(reason)


def method_monitor(metrics: Metrics, path: str) -> Monitor:
    """
    :param path: of the method that is limited: ``/gitaly.SSHService/SSHUploadPack``.
    """
    service, _, method = path.removeprefix("/").partition("/")
    labels = (SYSTEM, service, method)
    return Monitor(
        metrics.limit_queued.labels(*labels),
        metrics.limit_in_progress.labels(*labels),
        metrics.limit_acquiring.labels(*labels),
        lambda reason: metrics.requests_dropped.labels(*labels, reason).inc(),
    )


def pool_monitor(metrics: Metrics, pool: str) -> Monitor:
    """
    :param pool: its name.
    """
    return Monitor(
        metrics.pool_queued.labels(pool),
        metrics.pool_in_progress.labels(pool),
        metrics.pool_acquiring.labels(pool),
        lambda reason: metrics.pool_dropped.labels(pool, reason).inc(),
    )


def packs_monitor(metrics: Metrics) -> Monitor:
    """
    For the limit on packs that are made.
    """
    return Monitor(
        metrics.packs_queued,
        metrics.packs_in_progress,
        metrics.packs_acquiring,
        lambda reason: metrics.packs_dropped.labels(reason).inc(),
    )
