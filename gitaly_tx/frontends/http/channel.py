"""
One HTTP connection: twisted.web's parser, with our own way to take a request.

twisted.web gives a request to the application when its body has been spooled to a file. Here the application has it as soon as
the headers are in, and the body is handed over piece by piece.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from attrs import frozen
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress, IDelayedCall
from twisted.internet.protocol import ServerFactory
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, Request

from .body import Body
from .response import Response
from .splice import IReactorForSplice


@frozen
class Patience:
    """
    How long a client may take, in seconds.

    :param headers: from the first byte of a request to the end of its headers, however the bytes trickle in.
    :param idle: between two requests on one connection.
    :param body: without a byte of a body whose length the client has announced: it has all of it already.
    :param stream: without a byte of a chunked body: git may be counting objects meanwhile.
    :param answer: without taking a byte of the answer.
    :param linger: to read what a client still sends after it was answered.
    :param rate: bytes per second that a body must at least come in with, over :param:`body` seconds, while it does come in.
    """

    headers: float = 30.0
    idle: float = 60.0
    body: float = 60.0
    stream: float = 600.0
    answer: float = 120.0
    linger: float = 5.0
    rate: int = 64


class Visitor(Protocol):
    """
    Who takes a request once its headers are in.
    """

    def __call__(self, visit: Visit) -> None: ...


@frozen(eq=False)
class Visit:
    """
    A request whose headers are in.

    :param method: ``GET``, in the client's own case.
    :param target: path and query as they stand in the request line.
    :param header: the last value of a header, or ``None``.
    :param peer: ``127.0.0.1:50112``.
    :param finish: ends the answer; given all of the body, if nothing of it was written yet.
    :param leave_off: ends the connection after what was written of an answer that cannot be completed.
    :param gone: called if the client goes away before the answer is complete.
    """

    method: bytes
    target: bytes
    header: Callable[[bytes], bytes | None]
    peer: str
    body: Body
    response: Response
    finish: Callable[[bytes | None], None]
    leave_off: Callable[[], None]
    on_gone: list[Callable[[], None]]


class GitRequest(Request):
    """
    twisted.web's request, of which only the headers are used.
    """

    body: Body | None = None
    response: Response | None = None
    on_gone: Sequence[Callable[[], None]] = ()

    def handleContentChunk(self, data: bytes) -> None:
        """
        A piece of the body came in.
        """
        if self.body is not None:
            self.body.data_received(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """
        The body is complete.
        """
        if self.body is not None:
            self.body.end_received()

    def connectionLost(self, reason: Failure) -> None:
        """
        The client went away.
        """
        super().connectionLost(reason)
        if self.body is not None:
            self.body.broken_off()
        if self.response is not None:
            self.response.broken_off()
        for told in self.on_gone:
            told()


class GitChannel(HTTPChannel):
    """
    A connection. Requests on it are answered one after the other.
    """

    requestFactory = GitRequest
    factory: GitFactory
    transport: Any
    callLater: Any
    timeOut: Any
    _deadline: IDelayedCall | None = None
    _watch: IDelayedCall | None = None
    _unannounced: Visit | None = None
    _progress = (0, 0)
    _silence = 0.0
    _stuck = 0.0

    def lineReceived(self, line: bytes) -> None:
        """
        A line of the head. From its first byte on, the head has a deadline that no further byte moves.
        """
        if self._deadline is None:
            self._deadline = self.factory.reactor.callLater(self.factory.patience.headers, self._head_too_slow)
        if self._receivedHeaderSize + len(line) > self.totalHeadersSize:
            self._refuse_head(b"431 Request Header Fields Too Large")
            return
        super().lineReceived(line)

    def dataReceived(self, data: bytes) -> None:
        """
        Bytes came in.
        """
        if self._deadline is None and not self._handlingRequest and self._transferDecoder is None:
            self._deadline = self.factory.reactor.callLater(self.factory.patience.headers, self._head_too_slow)
        super().dataReceived(data)

    def lineLengthExceeded(self, line: bytes) -> None:
        """
        A request line or a header is too long for anybody.
        """
        self._refuse_head(b"431 Request Header Fields Too Large" if self.requests else b"414 URI Too Long")

    def allHeadersReceived(self) -> None:
        """
        The head is complete: hand the request over.
        """
        self._stop_deadline()
        self.setTimeout(None)
        request: GitRequest = self.requests[-1]
        self.persistent = self.checkPersistence(request, self._version)
        request.content = None
        request.startedWriting = 1
        request.clientproto = self._version
        request.method, request.uri = self._command, self._path
        transport = self._networkProducer
        expects = (request.getHeader(b"expect") or b"").lower() == b"100-continue" and self._version == b"HTTP/1.1"
        response = Response(self.factory.reactor, self, self._version == b"HTTP/1.1", self._command == b"HEAD")
        response.close = not self.persistent

        def wanted() -> None:
            if expects and not response.begun:
                self._send100Continue()

        gone: list[Callable[[], None]] = []
        body = Body(transport.pauseProducing, transport.resumeProducing, wanted)
        request.body, request.response, request.on_gone = body, response, gone
        request.registerProducer(response, True)
        self._progress, self._silence, self._stuck = (0, 0), 0.0, 0.0
        self._watch = self.factory.reactor.callLater(self.factory.patience.body / 4, self._look, request)
        visit = Visit(
            method=self._command,
            target=self._path,
            header=request.getHeader,
            peer=_address(self.transport.getPeer()),
            body=body,
            response=response,
            finish=lambda data: self._finish(request, data),
            leave_off=lambda: self._leave_off(request),
            on_gone=gone,
        )
        if self.length == 0:
            self._unannounced = visit
        else:
            self.factory.visitor(visit)

    def allContentReceived(self) -> None:
        """
        The body is complete.

        A request without one is handed over only now: answering it at once must find the parser between two requests.
        """
        super().allContentReceived()
        self._savedTimeOut = self.factory.patience.idle
        visit, self._unannounced = self._unannounced, None
        if visit is not None:
            self.factory.visitor(visit)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """
        The connection is gone.
        """
        self._stop_deadline()
        self._stop_watch()
        self.factory.connections.discard(self)
        super().connectionLost(reason)

    def connectionMade(self) -> None:
        """
        The connection is there.
        """
        super().connectionMade()
        self.factory.connections.add(self)

    def _finish(self, request: GitRequest, data: bytes | None) -> None:
        response, body = request.response, request.body
        assert response is not None and body is not None
        if response.finished or request._disconnected:
            return
        if not body.complete or self.factory.closing:
            response.close = True
        reusable = response.finish(data)
        self._end(request, body.complete, bool(self.persistent) and reusable and body.complete)

    def _leave_off(self, request: GitRequest) -> None:
        response, body = request.response, request.body
        assert response is not None and body is not None
        if not request._disconnected:
            response.leave_off()
            self._end(request, body.complete, False)

    def _end(self, request: GitRequest, complete: bool, persistent: bool) -> None:
        self._stop_watch()
        request.unregisterProducer()
        self.persistent = persistent
        if complete:
            if not persistent:  # Nor does a client hold us up that does not take the rest.
                self._deadline = self.factory.reactor.callLater(self.factory.patience.answer, self._abort)
            request.finish()
        else:
            self._linger(request)

    def _linger(self, request: GitRequest) -> None:
        """
        The answer is out before the request is in. Closing now would reset the connection, and the client might never read the
        answer: so stop sending, and throw away what still comes for a while.
        """
        request.body = None
        request.on_gone = ()
        self.dataReceived = lambda data: None  # type: ignore[method-assign]
        self._networkProducer.resumeProducing()
        self._deadline = self.factory.reactor.callLater(self.factory.patience.linger, self._abort)
        self.transport.unregisterProducer()  # Or the end does not follow what is still to go out.
        half_close = getattr(self.transport, "loseWriteConnection", None)
        if half_close is not None:
            half_close()
        else:
            self.transport.loseConnection()

    def _look(self, request: GitRequest) -> None:
        """
        Every so often: is the client still alive?
        """
        patience = self.factory.patience
        interval = patience.body / 4
        self._watch = self.factory.reactor.callLater(interval, self._look, request)
        body, response = request.body, request.response
        assert body is not None and response is not None
        before, self._progress = self._progress, (body.received, response.sent)
        came, went = self._progress[0] - before[0], self._progress[1] - before[1]
        self._stuck = 0.0 if went or not response.blocked else self._stuck + interval
        if body.complete or body.held_back or not body.asked:
            self._silence = 0.0
        elif came < patience.rate * interval:
            self._silence += interval
        else:
            self._silence = 0.0
        allowed = patience.stream if self.length is None and not came else patience.body
        if self._silence >= allowed or self._stuck >= patience.answer:
            self._abort()

    def _head_too_slow(self) -> None:
        self._deadline = None
        self._refuse_head(b"408 Request Timeout")

    def _refuse_head(self, status: bytes) -> None:
        self.transport.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        self.dataReceived = lambda data: None  # type: ignore[method-assign]
        self.loseConnection()

    def _abort(self) -> None:
        self.transport.abortConnection()

    def _stop_deadline(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None

    def _stop_watch(self) -> None:
        if self._watch is not None and self._watch.active():
            self._watch.cancel()
        self._watch = None


class GitFactory(ServerFactory):
    """
    Makes a channel for each connection.

    :param visitor: takes the requests.
    """

    noisy = False

    def __init__(self, reactor: IReactorForSplice, visitor: Visitor, patience: Patience) -> None:
        self.reactor = reactor
        self.visitor = visitor
        self.patience = patience
        self.connections: set[GitChannel] = set()
        self.closing = False

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """
        :returns: the channel for a new connection.
        """
        channel = GitChannel()
        channel.factory = self
        channel.timeOut = self.patience.idle
        channel.callLater = self.reactor.callLater
        return channel

    def log(self, request: Request) -> None:
        """
        Nothing: every call has its own access line.
        """

    def close_idle(self) -> None:
        """
        The server goes down: end the connections on which nothing happens, and each other one after its answer.
        """
        self.closing = True
        for channel in list(self.connections):
            if not channel.requests:
                channel.loseConnection()

    def abort(self) -> None:
        """
        End all connections at once.
        """
        for channel in list(self.connections):
            channel._abort()


def _address(address: Any) -> str:
    if isinstance(address, IPv4Address):
        return f"{address.host}:{address.port}"
    if isinstance(address, IPv6Address):
        return f"[{address.host}]:{address.port}"
    return str(address)


__all__ = ["GitChannel", "GitFactory", "Patience", "Visit", "Visitor"]
