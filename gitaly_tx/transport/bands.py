"""
Two streams in one: what a git command says, and what it tells the user, in packets of the side-band.
"""

from __future__ import annotations

from attrs import frozen
from twisted.internet.defer import DeferredLock
from zope.interface import implementer

from protocols.git.sideband import BAND_DATA, BAND_PROGRESS, encoded

from ..streams import IByteSink


class Bands:
    """
    The bands of one sink, which take turns.

    :param sink: takes the packets.
    :ivar data: the sink for what a command says.
    :ivar progress: the sink for what it tells the user.
    """

    def __init__(self, sink: IByteSink) -> None:
        turn = DeferredLock()
        self.data = Band(sink, BAND_DATA, turn)
        self.progress = Band(sink, BAND_PROGRESS, turn)


@implementer(IByteSink)
@frozen
class Band:
    """
    One of them.
    """

    _sink: IByteSink
    _number: int
    _turn: DeferredLock

    async def write(self, data: bytes) -> None:
        """
        As :func:`IByteSink.write`.
        """
        await self._turn.acquire()
        try:
            await self._sink.write(encoded(self._number, data))
        finally:
            self._turn.release()
