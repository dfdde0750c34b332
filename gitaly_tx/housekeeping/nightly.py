"""
Every day at the same time all repositories are looked after, one after the other, as far as the time goes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import GitalyError
from ..storage.interfaces import IRepository
from .schedule import Housekeeping

log = Logger()

Repositories = Callable[[str], AsyncIterator[IRepository]]
"""Given a storage's name, its repositories in any order. What cannot be opened is left out."""


@frozen
class Window:
    """
    :param hour: of the machine's own time.
    :param duration: seconds after which no other repository is begun.
    """

    hour: int
    minute: int
    duration: float

    def seconds_until(self, now: datetime) -> float:
        """
        How long it is until the window opens the next time; 0 if this is the moment.
        """
        start = now.replace(hour=self.hour, minute=self.minute, second=0, microsecond=0)
        if start < now:
            start += timedelta(days=1)
        return (start - now).total_seconds()


@define(eq=False)
class Nightly:
    """
    :param clock: for waiting and for the end of the window.
    :param now: the machine's own time.
    """

    _clock: IReactorTime
    _now: Callable[[], datetime]
    _window: Window
    _storages: Iterable[str]
    _repositories: Repositories
    _housekeeping: Housekeeping
    _waiting: IDelayedCall | None = field(default=None, init=False)
    _running: Deferred[None] | None = field(default=None, init=False)

    def start(self) -> None:
        """
        Wait for the window.
        """
        self._waiting = self._clock.callLater(self._window.seconds_until(self._now()), self._open)

    def stop(self) -> None:
        """
        Wait no more, and begin no other repository. The one that is worked on belongs to the housekeeping.
        """
        if self._waiting is not None and self._waiting.active():
            self._waiting.cancel()
        if self._running is not None:
            self._running.cancel()

    def _open(self) -> None:
        self._running = Deferred.fromCoroutine(self._run(self._clock.seconds() + self._window.duration))
        self._running.addCallbacks(self._over, self._failed)

    def _over(self, result: None) -> None:
        # A moment later, so that the same window does not open twice.
        self._running = None
        later = self._window.seconds_until(self._now() + timedelta(seconds=1)) + 1
        self._waiting = self._clock.callLater(later, self._open)

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            log.failure("daily maintenance failed", failure)
            self._over(None)

    async def _run(self, end: float) -> None:
        done = 0
        for storage in self._storages:
            async for repository in self._repositories(storage):
                if self._clock.seconds() >= end:
                    log.info("daily maintenance: {done} repositories, and the time is over", done=done)
                    return
                try:
                    await self._housekeeping.optimize(repository)
                except GitalyError as error:
                    log.warn(
                        "daily maintenance of {partition}: {error}", partition=str(repository.partition), error=error.message
                    )
                done += 1
        log.info("daily maintenance: all {done} repositories", done=done)
