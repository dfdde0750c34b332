"""
An answer on its way out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IPushProducer, ISSLTransport
from twisted.internet.task import deferLater
from twisted.web.http import HTTPChannel
from zope.interface import directlyProvides, implementer

from ...streams import IByteSink, ISpliceSink, StreamBroken
from .splice import IReactorForSplice, Splicer

SERVER = b"gitaly_tx"


@implementer(IByteSink, IPushProducer)
class Response:
    """
    One HTTP response: a head, then a body in chunks (or up to the connection's end, for HTTP/1.0).

    The head goes out with the first bytes of the body, so that whatever fails before can still say so with a status.

    :param channel: the connection.
    :param chunked: whether the client understands chunks.
    :param bodyless: the answer to ``HEAD``: all headers, no body.
    :ivar counted: told of the bytes of the body that go out.
    """

    def __init__(self, reactor: IReactorForSplice, channel: HTTPChannel, chunked: bool, bodyless: bool = False) -> None:
        self._reactor = reactor
        self._transport: Any = channel.transport
        self._chunked = chunked
        self._bodyless = bodyless
        self._headers: list[tuple[bytes, bytes]] = []
        self._waiting: Deferred[None] | None = None
        self._waiting_splice: Deferred[int] | None = None
        self._splicer: Splicer | None = None
        self._paused = False
        self._broken = False
        self._mid_chunk = False
        self.begun = False
        self.finished = False
        self.status = 0
        self.sent = 0
        self.counted: Callable[[int], None] | None = None
        self.spliced = 0
        self.close = False
        if chunked and not bodyless and self._can_splice():
            directlyProvides(self, ISpliceSink)

    @property
    def blocked(self) -> bool:
        """
        Whether there are bytes that the client does not take.
        """
        return self._paused or (self._splicer is not None and self._splicer.blocked)

    def prepare(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """
        Say what the head will be. Until the first byte of the body it can be said anew.
        """
        self.status = status
        self._headers = list(headers)

    def write(self, data: bytes) -> Deferred[None]:
        """
        As :class:`~gitaly_tx.streams.IByteSink` says.
        """
        self._check()
        self._begin(None)
        self._count(len(data))
        if data and not self._bodyless:
            transport = self._transport
            if self._chunked:
                transport.writeSequence((b"%x\r\n" % len(data), data, b"\r\n"))
            else:
                transport.write(data)
        return self._drained()

    async def splice(self, pipe: int) -> int:
        """
        As :class:`~gitaly_tx.streams.ISpliceSink` says.
        """
        self._check()
        await self._emptied()
        self._check()
        transport = self._transport
        head = b""
        if not self.begun:
            self.begun = True
            head = self._encode_head(None)
        splicer = Splicer(self._reactor, pipe, transport.fileno(), head, self._moved)
        self._splicer = splicer
        self._mid_chunk = True
        moving = splicer.run()
        self._waiting_splice = moving
        try:
            return await moving
        except CancelledError:
            if self._broken:
                raise StreamBroken("client went away") from None
            raise
        finally:
            self._waiting_splice = self._splicer = None
            self._mid_chunk = not splicer.at_boundary

    def finish(self, body: bytes | None = None) -> bool:
        """
        End the response.

        :param body: all of the body, if nothing was written before.
        :returns: whether the connection can be used again.
        """
        if self.finished or self._broken:
            return False
        self.finished = True
        if body is not None and not self.begun:
            self._begin(len(body))
            if not self._bodyless:
                self._transport.write(body)
                self.sent += len(body)
        else:
            self._begin(None)
            if self._chunked and not self._bodyless:
                self._transport.write(b"0\r\n\r\n")
        return self._chunked and not self.close

    def leave_off(self) -> None:
        """
        The response cannot be completed. What was written goes out, because it may say why, and the last chunk never comes: no
        client takes a part for the whole then, but for one that knows no chunks. Its connection is cut.
        """
        if self._chunked:
            self.broken_off()
        else:
            self.abandon()

    def abandon(self) -> None:
        """
        Cut the connection, whatever is still to go out.
        """
        self.broken_off()
        self._transport.abortConnection()

    def broken_off(self) -> None:
        """
        The client went away.
        """
        self._broken = True
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.errback(StreamBroken("client went away"))
        splice, self._waiting_splice = self._waiting_splice, None
        if splice is not None:
            splice.cancel()

    def pauseProducing(self) -> None:
        """
        The socket is full.
        """
        self._paused = True

    def resumeProducing(self) -> None:
        """
        The socket takes bytes again.
        """
        self._paused = False
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    def stopProducing(self) -> None:
        """
        The connection is gone.
        """
        self.broken_off()

    def _moved(self, count: int) -> None:
        self._count(count)
        self.spliced += count

    def _count(self, count: int) -> None:
        self.sent += count
        if self.counted is not None:
            self.counted(count)

    def _check(self) -> None:
        if self._broken or self._mid_chunk:
            raise StreamBroken("client went away")

    def _begin(self, length: int | None) -> None:
        if not self.begun:
            self.begun = True
            self._transport.write(self._encode_head(length))

    def _encode_head(self, length: int | None) -> bytes:
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [b"HTTP/1.1 %d %s" % (self.status, phrase.encode("ascii")), b"Server: " + SERVER]
        lines += [name + b": " + value for name, value in self._headers]
        if length is not None:
            lines.append(b"Content-Length: %d" % length)
        elif self._chunked:
            lines.append(b"Transfer-Encoding: chunked")
        else:
            self.close = True
        if self.close:
            lines.append(b"Connection: close")
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _can_splice(self) -> bool:
        transport = self._transport
        return not ISSLTransport.providedBy(transport) and hasattr(transport, "fileno") and hasattr(transport, "dataBuffer")

    def _drained(self) -> Deferred[None]:
        if not self._paused:
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._wait_cancelled)
        self._waiting = waiting
        return waiting

    async def _emptied(self) -> None:
        """
        Wait until the transport holds nothing of ours: what goes into the socket directly must not overtake it.
        """
        transport = self._transport
        while transport.dataBuffer or transport._tempDataBuffer:
            self._check()
            await deferLater(self._reactor, 0.001)

    def _wait_cancelled(self, _: Deferred[None]) -> None:
        self._waiting = None
