"""
What a client sends, between the door that gets it and whoever reads it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred
from zope.interface import implementer

from ..streams import PIECE, IByteSource, StreamBroken


@implementer(IByteSource)
class Incoming:
    """
    Bytes in the order they came in, handed out as fast as somebody asks for them.

    :param taken: told, whenever bytes were taken, how many are left: the moment to let the client go on.
    :ivar received: how many bytes came in so far.
    :ivar counted: told of the bytes that come in.
    """

    def __init__(self, taken: Callable[[int], None]) -> None:
        self._taken = taken
        self._pieces: deque[bytes] = deque()
        self._ended = False
        self._broken = False
        self._reader: Deferred[bytes] | None = None
        self.waiting = 0
        self.received = 0
        self.counted: Callable[[int], None] | None = None

    @property
    def complete(self) -> bool:
        """
        Whether all of it has come in.
        """
        return self._ended

    def data_received(self, data: bytes) -> None:
        """
        Some of it came in.
        """
        self.received += len(data)
        if self.counted is not None:
            self.counted(len(data))
        self._pieces.append(data)
        self.waiting += len(data)
        self._serve()

    def end_received(self) -> None:
        """
        It is complete.
        """
        self._ended = True
        self._serve()

    def broken_off(self) -> None:
        """
        The client went away.
        """
        self._broken = True
        self._serve()

    def read(self) -> Deferred[bytes]:
        """
        As :class:`~gitaly_tx.streams.IByteSource` says.
        """
        reader: Deferred[bytes] = Deferred(self._reader_cancelled)
        self._reader = reader
        self._serve()
        return reader

    def _reader_cancelled(self, _: Deferred[bytes]) -> None:
        self._reader = None

    def _serve(self) -> None:
        reader = self._reader
        if reader is None:
            return
        if self._pieces:
            self._reader = None
            piece = self._take()
            self._taken(self.waiting)
            reader.callback(piece)
        elif self._ended:
            self._reader = None
            reader.callback(b"")
        elif self._broken:
            self._reader = None
            reader.errback(StreamBroken("client went away"))

    def _take(self) -> bytes:
        """
        The pieces that are there as one, up to :data:`~gitaly_tx.streams.PIECE` bytes.
        """
        taken = [self._pieces.popleft()]
        size = len(taken[0])
        while self._pieces and size + len(self._pieces[0]) <= PIECE:
            size += len(self._pieces[0])
            taken.append(self._pieces.popleft())
        if size > PIECE:
            whole = taken[0]
            taken, size = [whole[:PIECE]], PIECE
            self._pieces.appendleft(whole[PIECE:])
        self.waiting -= size
        return taken[0] if len(taken) == 1 else b"".join(taken)
