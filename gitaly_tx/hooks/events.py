"""
Telling others that a write happened.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from attrs import define, field, frozen
from twisted.logger import Logger

from ..git.interfaces import IGit, RefUpdate
from ..storage.interfaces import IRepository
from .interfaces import IEventSink, Push, RefsUpdated

Written = Callable[[IRepository, Sequence[RefUpdate]], Awaitable[None]]
"""Told of refs that were written without anybody having a say in it."""


@define(eq=False)
class Announcer:
    """
    Tells every sink of an acknowledged write, one after the other. A sink that fails does not keep the others from hearing, and
    changes nothing for the write, which is done.
    """

    _sinks: Sequence[IEventSink]
    _log: Logger = field(factory=Logger)

    async def announce(self, event: RefsUpdated) -> None:
        """
        Call it once for each write.
        """
        for sink in self._sinks:
            try:
                await sink.refs_updated(event)
            except Exception:
                self._log.failure("event sink {sink} failed", sink=sink.name)


@frozen
class Unasked:
    """
    Tells sinks of writes that were no push, nor made as if they were one: an application keeps refs of its own, or fetches. No
    hook runs for these, and the event names no user.
    """

    _announcer: Announcer
    _git: IGit

    async def __call__(self, repository: IRepository, updates: Sequence[RefUpdate]) -> None:
        """
        Call it once for each write, after it. Nobody hears of one that moves no ref.
        """
        if not updates:
            return
        push = Push(
            repository=repository,
            updates=updates,
            options=(),
            user=None,
            gl_id="",
            gl_repository="",
            project_path="",
            protocol="",
            git=self._git,
        )
        await self._announcer.announce(RefsUpdated(push, updates))


async def unheard(repository: IRepository, updates: Sequence[RefUpdate]) -> None:
    """
    For those to whom nobody listens.
    """


__all__ = ["Announcer", "Unasked", "Written", "unheard"]
