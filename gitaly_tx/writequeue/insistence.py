"""
Doing something until it is done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from ..errors import Code, GitalyError
from ..wal.interfaces import Partition

log = Logger()

FIRST_PAUSE = 0.1
"""Seconds after the first failure."""

LONGEST_PAUSE = 10.0
"""Seconds between attempts, at the most."""


class StillCommitting(GitalyError):
    """
    The write is in the log and will be visible after the next start; this server goes down before it could see to that.
    """

    def __init__(self, partition: Partition) -> None:
        super().__init__("server is shutting down", Code.UNAVAILABLE, {"partition": str(partition)})


@define(eq=False)
class Insistence:
    """
    Repeats what failed, with growing pauses, until it works or the server stops.

    :param random: spreads the pauses, so that partitions that fail together do not try together.
    """

    _clock: IReactorTime
    _random: Random = field(factory=Random)
    _pauses: dict[Partition, Deferred[None] | None] = field(factory=dict, init=False)
    _stopped: bool = field(default=False, init=False)

    @property
    def failing(self) -> frozenset[Partition]:
        """
        For whom something is being tried again.
        """
        return frozenset(self._pauses)

    async def until_done(
        self, partition: Partition, step: Callable[[], Awaitable[None]], answers: tuple[type[Exception], ...]
    ) -> None:
        """
        Repeat ``step`` until it returns.

        :param answers: what it may raise that is an answer too, and is passed on.
        :raises StillCommitting: once :meth:`stop` was called.
        """
        seconds = FIRST_PAUSE
        try:
            while True:
                try:
                    return await step()
                except answers:
                    raise
                except Exception:
                    log.failure("a committed write to {partition} is not visible yet", partition=str(partition))
                if self._stopped:
                    raise StillCommitting(partition)
                await self._pause(partition, seconds * (0.5 + self._random.random() / 2))
                seconds = min(seconds * 2, LONGEST_PAUSE)
        finally:
            self._pauses.pop(partition, None)

    def stop(self) -> None:
        """
        Give up; the log has it for the next start.
        """
        self._stopped = True
        for pause in list(self._pauses.values()):
            if pause is not None:
                pause.cancel()

    async def _pause(self, partition: Partition, seconds: float) -> None:
        pause: Deferred[None] = deferLater(self._clock, seconds, lambda: None)
        self._pauses[partition] = pause
        try:
            await pause
        except CancelledError:
            if not self._stopped:
                raise
            raise StillCommitting(partition) from None
        self._pauses[partition] = None
