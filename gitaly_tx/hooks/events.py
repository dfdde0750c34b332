"""
Telling others that a write happened.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field
from twisted.logger import Logger

from .interfaces import IEventSink, RefsUpdated


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
