"""
Sidechannels in memory.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from zope.interface import implementer

from gitaly_tx.errors import GitalyError
from gitaly_tx.rpc.call import Call
from gitaly_tx.rpc.interfaces import ISidechannel, ISidechannels
from tests.support.streams import MemorySink, MemorySource


@implementer(ISidechannel)
class MemorySidechannel:
    """
    Hands out what the caller sends, and keeps what it is sent.

    :param sent: what the caller sends.
    :param ends: whether that is all.
    :ivar closed: how often it was closed.
    """

    def __init__(self, sent: bytes = b"", ends: bool = True) -> None:
        self.source = MemorySource([sent], ends)
        self.sink = MemorySink()
        self.lost: Deferred[None] = Deferred()
        self.closed = 0

    def close(self) -> None:
        """
        As :func:`gitaly_tx.rpc.interfaces.ISidechannel.close`.
        """
        self.closed += 1


@implementer(ISidechannels)
class MemorySidechannels:
    """
    Opens the one sidechannel that it was given.

    :ivar channel: that; ``None`` for a caller who has none.
    """

    def __init__(self) -> None:
        self.channel: MemorySidechannel | None = None

    async def open(self, call: Call) -> MemorySidechannel:
        """
        As :func:`gitaly_tx.rpc.interfaces.ISidechannels.open`.
        """
        if self.channel is None:
            raise GitalyError("sidechannel: sidechannel-id not found in incoming metadata")
        return self.channel
