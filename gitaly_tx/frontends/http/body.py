"""
A request's body, as it comes in.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from twisted.internet.defer import Deferred
from zope.interface import implementer

from ...errors import Code, GitalyError
from ...rpc.incoming import Incoming
from ...streams import PIECE, IByteSource

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


class Body(Incoming):
    """
    The bytes between the channel, which gets them, and whoever reads them.

    :param pause: makes the client wait.
    :param resume: lets it go on.
    :param wanted: called at the first read: the moment to answer ``Expect: 100-continue``.
    """

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None], wanted: Callable[[], None]) -> None:
        super().__init__(self._some_taken)
        self._pause = pause
        self._resume = resume
        self._wanted: Callable[[], None] | None = wanted
        self._paused = False

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
        super().data_received(data)
        if self.waiting >= HIGH_WATER and not self.complete:
            self._paused = True
            self._pause()

    def read(self) -> Deferred[bytes]:
        """
        As :class:`~gitaly_tx.streams.IByteSource` says.
        """
        if self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            wanted()
        return super().read()

    def _some_taken(self, waiting: int) -> None:
        if self._paused and waiting < HIGH_WATER // 2:
            self._paused = False
            self._resume()


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
