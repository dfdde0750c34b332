"""
Clients that come over TLS: the same two kinds, as Twisted's transports see them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from ...multiplex.bridged import PIECE, Bridged
from ...multiplex.connection import Connection
from .backchannel import RETRY, Backchannel
from .firstbytes import FirstBytes
from .origins import Full, Origin, Origins


class SecureClient(Protocol):
    """
    A connection of which it is not known yet what it is; then whatever it is.

    :param text: the client's address, for the log.
    :param origins: where gRPC goes.
    :param loop: the reactor's.
    :param patience: seconds that the client may take until it has said what it wants, the handshake included.
    :param gone: told, once, when it is over.
    """

    transport: Any

    def __init__(self, text: str, origins: Origins, loop: Any, patience: float, gone: Callable[[SecureClient], None]) -> None:
        self._text = text
        self._origins = origins
        self._loop = loop
        self._gone = gone
        self._first = FirstBytes(self._known)
        self._became: SecureBackchannel | PlainCalls | None = None
        self._deadline = loop.call_later(patience, self.end)

    def end(self) -> None:
        """
        Close it at once. Safe to repeat.
        """
        self.transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        """
        Some bytes.
        """
        if self._became is None:
            self._first.receive(data)
        else:
            self._became.dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        The client has gone.
        """
        self._deadline.cancel()
        if self._became is not None:
            self._became.connectionLost(reason)
        self._gone(self)

    def _known(self, multiplexed: bool, begun: bytes) -> None:
        self._deadline.cancel()
        if multiplexed:
            self._became = SecureBackchannel(self._text, self._origins, self._loop)
        else:
            self._became = PlainCalls(self._text, self._origins, self._loop)
        self._became.makeConnection(self.transport)
        if begun:
            self._became.dataReceived(begun)


@implementer(IPushProducer)
class PlainCalls(Protocol):
    """
    A plain gRPC connection over a transport of Twisted's, passed on to grpcio. It is the stream of a
    :class:`~gitaly_tx.multiplex.bridged.Bridged`, as if it were the only one of a session.

    :param text: the client's address, for the log.
    """

    transport: Any

    def __init__(self, text: str, origins: Origins, loop: Any) -> None:
        self._text = text
        self._origins = origins
        self._loop = loop
        self._paused = False
        self._unconsumed = 0
        self._lost = False
        self.side: Any = None
        self._bridged = Bridged(self, loop)

    # As IProtocol and IPushProducer.

    def connectionMade(self) -> None:
        """
        Join it with grpcio.
        """
        self.transport.registerProducer(self, True)
        self._serve()

    def dataReceived(self, data: bytes) -> None:
        """
        Some bytes; no more come until they were passed on.
        """
        self._unconsumed += len(data)
        self._bridged.data_received(data)
        if self._unconsumed and not self._lost:
            self.transport.pauseProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        The client has gone.
        """
        self._lost = True
        self._bridged.closed(False)

    def pauseProducing(self) -> None:
        """
        The client does not read.
        """
        self._paused = True

    def resumeProducing(self) -> None:
        """
        The client reads again.
        """
        self._paused = False
        self._bridged.writable()

    def stopProducing(self) -> None:
        """
        The client has gone; :meth:`connectionLost` follows.
        """

    # As Streamlike.

    @property
    def room(self) -> int:
        """
        How many bytes can be sent now.
        """
        return 0 if self._paused else PIECE

    def send(self, data: bytes) -> int:
        """
        Send bytes.
        """
        self.transport.write(data)
        return len(data)

    def consumed(self, count: int) -> None:
        """
        Some bytes were passed on.
        """
        self._unconsumed -= count
        if not self._unconsumed and not self._lost:
            self.transport.resumeProducing()

    def close(self) -> None:
        """
        grpcio sends no more.
        """
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def reset(self) -> None:
        """
        grpcio has gone.
        """
        if not self._lost:
            self.transport.unregisterProducer()
            self.transport.abortConnection()

    def _serve(self) -> None:
        if self._lost:
            return
        try:
            private = self._origins.connect(Origin(self._text))
        except Full:
            self._loop.call_later(RETRY, self._serve)
        except OSError:
            self.reset()
        else:
            self._bridged.join(private, lambda: self._origins.forget(private), lambda: None)


@implementer(IPushProducer)
class SecureBackchannel(Protocol):
    """
    A multiplexed connection over a transport of Twisted's.

    :param text: the client's address, for the log.
    """

    transport: Any
    _connection: Connection

    def __init__(self, text: str, origins: Origins, loop: Any) -> None:
        self._text = text
        self._origins = origins
        self._loop = loop

    def connectionMade(self) -> None:
        """
        The word was read; what follows is yamux.
        """
        self._connection = Backchannel(_Transport(self.transport), self._text, self._origins, self._loop).connection
        self.transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        """
        Some of it.
        """
        self._connection.data_received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        The client has gone.
        """
        self._connection.connection_lost()

    def pauseProducing(self) -> None:
        """
        The client does not read.
        """
        self._connection.pause()

    def resumeProducing(self) -> None:
        """
        The client reads again.
        """
        self._connection.resume()

    def stopProducing(self) -> None:
        """
        The client has gone; :meth:`connectionLost` follows.
        """


class _Transport:
    """
    A transport of Twisted's as a wire.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """
        As :func:`Wire.write`.
        """
        self._transport.write(b"".join(pieces))

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
