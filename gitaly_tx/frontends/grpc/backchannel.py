"""
A connection that began with ``backchannel``: yamux. Its first stream carries the client's gRPC calls; the others are ours to
open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IPushProducer, ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from protocols.yamux.session import Session

from ...multiplex.bridged import Bridged
from ...multiplex.connection import Connection, Stream
from .origins import Full, Origin, Origins

WINDOW: Final = 1 << 20
"""
How many bytes of each stream may be on their way to us. Gitaly has 16 MiB, which is how much a client could make it keep; what
limits a client that is far away is gRPC's own window, within this one.
"""

BACKLOG: Final = 1
"""How many streams of a side may wait to be accepted: Gitaly's number, which its clients count with."""

STREAMS: Final = 1024
"""How many streams a connection may have in all."""

RETRY: Final = 0.05
"""Seconds until the private socket is tried again."""


@implementer(IPushProducer)
class Backchannel(Protocol):
    """
    One such connection, as Twisted's transports see it.

    :param text: the client's address, for the log.
    :param origins: where its calls go.
    :param loop: the reactor's.
    :param gone: told, once, when it is over.
    """

    _log = Logger()
    transport: Any

    def __init__(self, text: str, origins: Origins, loop: Any, gone: Callable[[Backchannel], None]) -> None:
        self._text = text
        self._origins = origins
        self._loop = loop
        self._gone = gone
        self._offered = False
        self._connection: Connection | None = None

    def end(self) -> None:
        """
        Close it at once. Safe to repeat.
        """
        self.transport.abortConnection()

    # As IProtocol and IPushProducer.

    def makeConnection(self, transport: ITransport) -> None:
        """
        The word was read; what follows is yamux.
        """
        session = Session(client=False, maximum_window=WINDOW, accept_backlog=BACKLOG, max_streams=STREAMS)
        self._connection = Connection(session, _Transport(transport), self._opened, self._lost)
        super().makeConnection(transport)
        self.transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        """
        Some of it.
        """
        assert self._connection is not None
        self._connection.data_received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        The client has gone.
        """
        assert self._connection is not None
        self._connection.connection_lost()
        self._gone(self)

    def pauseProducing(self) -> None:
        """
        The client does not read.
        """
        assert self._connection is not None
        self._connection.pause()

    def resumeProducing(self) -> None:
        """
        The client reads again.
        """
        assert self._connection is not None
        self._connection.resume()

    def stopProducing(self) -> None:
        """
        The client has gone; :meth:`connectionLost` follows.
        """

    # Inside

    def _opened(self, stream: Stream) -> None:
        if self._offered:
            stream.reset()
            return
        self._offered = True
        stream.accept()
        self._serve(Bridged(stream, self._loop))

    def _serve(self, calls: Bridged) -> None:
        """
        Join the first stream with grpcio.
        """
        connection = self._connection
        assert connection is not None
        if connection.over:
            return
        try:
            private = self._origins.connect(Origin(self._text, connection))
        except Full:
            self._loop.call_later(RETRY, self._serve, calls)
        except OSError:
            self.end()
        else:
            calls.join(private, lambda: self._origins.forget(private), connection.close)

    def _lost(self) -> None:
        connection = self._connection
        if connection is not None and connection.problem:
            self._log.info("connection of {peer} ended: {problem}", peer=self._text, problem=connection.problem)


class _Transport:
    """
    A transport of Twisted's as a wire.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        """
        As :func:`Wire.write`.
        """
        self._transport.write(data)

    def close(self) -> None:
        """
        As :func:`Wire.close`.
        """
        self._transport.unregisterProducer()
        self._transport.loseConnection()

    def abort(self) -> None:
        """
        As :func:`Wire.abort`.
        """
        self._transport.unregisterProducer()
        self._transport.abortConnection()
