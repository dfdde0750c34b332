"""
A request's body, as it comes in.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred
from zope.interface import implementer

from ...errors import Code, GitalyError
from ...streams import PIECE, IByteSource, StreamBroken

HIGH_WATER = 256 * 1024
"""With this many bytes unread, the client is made to wait."""


class BodyTooLarge(GitalyError):
    """
    A compressed body becomes larger than anybody needs.
    """

    def __init__(self, limit: int) -> None:
        super().__init__("request body too large", Code.OUT_OF_RANGE, {"limit": limit})


class BodyCorrupt(GitalyError):
    """
    A compressed body cannot be decompressed.
    """

    def __init__(self, why: str) -> None:
        super().__init__("request body cannot be decompressed", Code.INVALID_ARGUMENT, {"error": why})


@implementer(IByteSource)
class Body:
    """
    The bytes between the channel, which gets them, and whoever reads them.

    :param pause: makes the client wait.
    :param resume: lets it go on.
    :param wanted: called at the first read: the moment to answer ``Expect: 100-continue``.
    :ivar counted: told of the bytes that come in.
    """

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None], wanted: Callable[[], None]) -> None:
        self._pause = pause
        self._resume = resume
        self._wanted: Callable[[], None] | None = wanted
        self._pieces: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._paused = False
        self._ended = False
        self._broken = False
        self._reader: Deferred[bytes] | None = None
        self.received = 0
        self.counted: Callable[[int], None] | None = None

    @property
    def complete(self) -> bool:
        """
        Whether all of it has come in.
        """
        return self._ended

    @property
    def asked(self) -> bool:
        """
        Whether anybody has begun to read it.
        """
        return self._wanted is None

    @property
    def held_back(self) -> bool:
        """
        Whether the client waits for us, so that its silence is our doing.
        """
        return self._paused

    def data_received(self, data: bytes) -> None:
        """
        Some of it came in.
        """
        self.received += len(data)
        if self.counted is not None:
            self.counted(len(data))
        self._pieces.append(data)
        self._waiting_bytes += len(data)
        self._serve()
        if self._waiting_bytes >= HIGH_WATER and not self._ended:
            self._paused = True
            self._pause()

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
        if self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            wanted()
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
            if self._paused and self._waiting_bytes < HIGH_WATER // 2:
                self._paused = False
                self._resume()
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
        self._waiting_bytes -= size
        return taken[0] if len(taken) == 1 else b"".join(taken)


@implementer(IByteSource)
class Inflated:
    """
    A gzip'd body, decompressed piece by piece.

    :param limit: the most bytes it may become.
    :raises BodyCorrupt: from :func:`read`, if it is not gzip, or breaks off.
    :raises BodyTooLarge: from :func:`read`.
    """

    def __init__(self, body: IByteSource, limit: int) -> None:
        self._body = body
        self._limit = limit
        self._inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._rest = b""
        self._size = 0
        self._untouched = True

    async def read(self) -> bytes:
        """
        As :class:`~gitaly_tx.streams.IByteSource` says.
        """
        while not self._inflater.eof:
            if not self._rest:
                self._rest = await self._body.read()
                if not self._rest:
                    if self._untouched:
                        return b""
                    raise BodyCorrupt("the body ends too early")
                self._untouched = False
            try:
                piece = self._inflater.decompress(self._rest, PIECE)
            except zlib.error as error:
                raise BodyCorrupt(str(error)) from None
            self._rest = self._inflater.unconsumed_tail
            self._size += len(piece)
            if self._size > self._limit:
                raise BodyTooLarge(self._limit)
            if piece:
                return piece
        if self._inflater.unused_data:
            raise BodyCorrupt("there is something behind the compressed body")
        return b""
