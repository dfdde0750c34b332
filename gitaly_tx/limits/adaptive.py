"""
Limits that follow the machine's load.

Additive increase, multiplicative decrease: as long as nobody sees pressure, each limit grows by one at a time; as soon as
somebody does, all are cut by half. Several watchers that see pressure at the same time count as one: resources go together, and
cutting once for each would cut too much.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor

from attrs import define
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from .interfaces import IWatcher, Pressure
from .limit import Limit

INTERVAL = 30.0
"""Seconds between two looks; Gitaly's."""

BACKOFF = 0.5
"""What is left of a limit under pressure; Gitaly's."""


@define
class Told:
    """
    Who wants to know.

    :param limit: the name of a limit and what it is now.
    :param backoff: the name of the watcher that saw pressure.
    :param error: the name of a watcher that could not look.
    """

    limit: Callable[[str, int], object]
    backoff: Callable[[str], object]
    error: Callable[[str], object]


class Adaptation(Service):
    """
    Looks and adapts for as long as it runs.

    :param limits: those that adapt.
    :param watchers: asked one after the other.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        limits: Sequence[Limit],
        watchers: Sequence[IWatcher],
        told: Told,
        interval: float = INTERVAL,
    ) -> None:
        self._clock = clock
        self._limits = tuple(limits)
        self._watchers = tuple(watchers)
        self._told = told
        self._interval = interval
        self._timer: IDelayedCall | None = None
        self._looking: Deferred[None] | None = None

    def startService(self) -> None:
        """
        Begin, with every limit where it begins.
        """
        Service.startService(self)
        for limit in self._limits:
            limit.change(limit.initial)
            self._told.limit(limit.name, limit.current)
        if self._limits:
            self._timer = self._clock.callLater(self._interval, self._look)

    def stopService(self) -> None:
        """
        End it.
        """
        Service.stopService(self)
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self._looking is not None:
            self._looking.cancel()

    def _look(self) -> None:
        self._timer = self._clock.callLater(self._interval, self._look)
        if self._looking is None:
            # A disk or a kernel that does not answer: the next look waits for this one.
            looking = self._looking = Deferred.fromCoroutine(self._adapt())
            looking.addErrback(lambda failure: None if not self.running else self._log.failure("limits not adapted", failure))
            looking.addBoth(self._looked)

    def _looked(self, _: object) -> None:
        self._looking = None

    async def _adapt(self) -> None:
        found: tuple[IWatcher, Pressure] | None = None
        for watcher in self._watchers:
            try:
                pressure = await watcher.poll()
            except (OSError, ValueError) as error:
                self._told.error(watcher.name)
                self._log.error("poll from resource watcher: {error}", error=str(error), watcher=watcher.name)
                continue
            if pressure is not None:
                self._told.backoff(watcher.name)
                found = watcher, pressure
        for limit in self._limits:
            self._change(limit, found)

    def _change(self, limit: Limit, found: tuple[IWatcher, Pressure] | None) -> None:
        before = limit.current
        limit.change(before + 1 if found is None else floor(before * BACKOFF))
        self._told.limit(limit.name, limit.current)
        facts = {"limit": limit.name, "previous_limit": before, "new_limit": limit.current}
        if found is None:
            self._log.debug("Additive increase", **facts)
            return
        watcher, pressure = found
        figures = {f"stats.{name}": figure for name, figure in pressure.facts.items()}
        self._log.info("Multiplicative decrease", watcher=watcher.name, reason=pressure.reason, **facts, **figures)
