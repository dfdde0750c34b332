"""
A stream for coroutines: read, write, close.
"""

from __future__ import annotations

from collections import deque

from attrs import define
from twisted.internet.defer import Deferred
from zope.interface import implementer

from protocols.yamux.errors import Refused

from ..streams import PIECE, IByteSink, IByteSource, StreamBroken
from .connection import Stream


@define(eq=False)
class _Write:
    """
    Something that is being sent.
    """

    rest: memoryview
    done: Deferred[None]


@implementer(IByteSource, IByteSink)
class ByteStream:
    """
    Both directions of a stream, each with its back-pressure: the peer may send as much again as was read, and a write is done
    when the connection has taken it.

    :param stream: whose side this becomes.
    :ivar lost: fires, once, when the peer breaks the stream off: it does not wait for what is still to come.
    :ivar ended: fires, once, when the stream is no more, for whatever reason.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._pieces: deque[bytes] = deque()
        self._ended = False
        self._gone = False
        self._reader: Deferred[bytes] | None = None
        self._writes: deque[_Write] = deque()
        self._closing = False
        self.lost: Deferred[None] = Deferred()
        self.ended: Deferred[None] = Deferred()
        stream.side = self

    def read(self) -> Deferred[bytes]:
        """
        As :func:`IByteSource.read`. The end is the peer's half-close.
        """
        reader = self._reader = Deferred(self._reader_cancelled)
        self._serve()
        return reader

    def write(self, data: bytes) -> Deferred[None]:
        """
        As :func:`IByteSink.write`; several may write at a time, and what each writes stays together. A write that is cancelled
        may be sent in part, so the stream is broken off then.
        """
        write = _Write(memoryview(data), Deferred(lambda _: self.reset()))
        if self._gone or self._closing:
            write.done.errback(StreamBroken("the peer does not read any more"))
            return write.done
        self._writes.append(write)
        if len(self._writes) == 1:
            self.writable()
        return write.done

    def close(self) -> None:
        """
        Send no more, after what is being written. What still comes is dropped, unless it is read. Safe to repeat.
        """
        self._closing = True
        if not self._writes and not self._gone:
            self._stream.close()

    def reset(self) -> None:
        """
        Break it off. Safe to repeat.
        """
        if not self._gone:
            self._stream.reset()
            self._end()

    # As :class:`~gitaly_tx.multiplex.connection.Side`.

    def accepted(self) -> None:
        """
        The peer has accepted the stream.
        """

    def data_received(self, data: bytes) -> None:
        """
        Some bytes.
        """
        self._pieces.append(data)
        self._serve()

    def half_closed(self) -> None:
        """
        The peer sends no more.
        """
        self._ended = True
        self._serve()

    def writable(self) -> None:
        """
        More may be sent.
        """
        while self._writes:
            write = self._writes[0]
            try:
                while write.rest and self._stream.room:
                    write.rest = write.rest[self._stream.send(write.rest) :]
            except Refused:
                self.closed(False)
                return
            if write.rest:
                return
            if self._writes and self._writes[0] is write:
                self._writes.popleft()
                if self._closing and not self._writes:
                    self._stream.close()
                write.done.callback(None)

    def closed(self, whole: bool) -> None:
        """
        The stream is no more.
        """
        if not self._gone:
            self._end()
            if not whole:
                self.lost.callback(None)

    # Inside

    def _end(self) -> None:
        self._gone = True
        writes, self._writes = self._writes, deque()
        for write in writes:
            if not write.done.called:
                write.done.errback(StreamBroken("the peer does not read any more"))
        self._serve()
        self.ended.callback(None)

    def _serve(self) -> None:
        reader = self._reader
        if reader is None:
            return
        if self._pieces:
            self._reader = None
            piece = self._take()
            self._stream.consumed(len(piece))
            reader.callback(piece)
        elif self._ended:
            self._reader = None
            reader.callback(b"")
        elif self._gone:
            self._reader = None
            reader.errback(StreamBroken("the peer has gone"))

    def _take(self) -> bytes:
        piece = self._pieces.popleft()
        if len(piece) > PIECE:
            self._pieces.appendleft(piece[PIECE:])
            return piece[:PIECE]
        return piece

    def _reader_cancelled(self, _: Deferred[bytes]) -> None:
        self._reader = None
