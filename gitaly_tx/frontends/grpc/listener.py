"""
The public endpoint: plain gRPC and multiplexed connections on one port.

Nobody who listens can hand a connection to grpcio, so the first bytes are read here, and what is not ours is passed on to the
private socket on which grpcio serves.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorSocket
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory

from ..tls import RenewableCertificate
from .backchannel import RETRY, Backchannel
from .firstbytes import Newcomer
from .origins import Full, Origin, Origins
from .relay import Relay
from .secure import SecureClient
from .socketwire import SocketWire

PATIENCE: Final = 60.0
"""Seconds that a client may take until it has said what it wants."""

PAUSE: Final = 1.0
"""Seconds until the next connection is accepted, when the process has no more descriptors."""

AT_ONCE: Final = 64
"""How many connections are accepted in one turn of the reactor."""

InThread = Callable[[Callable[[], None]], Awaitable[None]]


class Ending(Protocol):
    """
    Something that can be closed at once.
    """

    def end(self) -> None:
        """
        Close it.
        """


class Reception:
    """
    Receives clients, and sends each where it belongs.

    :param reactor: asyncio's.
    :param loop: its loop.
    :param origins: where gRPC goes.
    :param in_thread: where certificates are read.
    :param patience: seconds that a client may take until it has said what it wants.
    """

    _log = Logger()

    def __init__(
        self, reactor: IReactorSocket, loop: Any, origins: Origins, in_thread: InThread, patience: float = PATIENCE
    ) -> None:
        self._reactor = reactor
        self._loop = loop
        self._origins = origins
        self._in_thread = in_thread
        self._patience = patience
        self._here: set[Ending] = set()
        self._new: set[Newcomer] = set()

    def plain(self, fresh: socket.socket, text: str) -> None:
        """
        A client has connected.

        :param fresh: does not block; it is the reception's from now on.
        :param text: the client's address, for the log.
        """

        def decided(multiplexed: bool, begun: bytes) -> None:
            self._new.discard(newcomer)
            if multiplexed:
                self._multiplexed(fresh, text, begun)
            else:
                self._relay(fresh, text, begun)

        newcomer = Newcomer(fresh, self._loop, self._patience, decided, self._new.discard)
        self._new.add(newcomer)

    def secured(self, certificate: RenewableCertificate, fresh: socket.socket, text: str) -> None:
        """
        A client has connected that is going to speak TLS. If there is a new certificate it is used.
        """

        async def begin() -> None:
            try:
                await self._in_thread(certificate.renew_if_changed)
                client = SecureClient(text, self._origins, self._loop, self._patience, self._here.discard)
                self._here.add(client)
                self._adopt(fresh, TLSMemoryBIOFactory(certificate, False, _OneProtocol(client)))
            finally:
                fresh.close()

        Deferred.fromCoroutine(begin()).addErrback(lambda failure: self._log.failure("TLS client not received", failure))

    def turn_away(self) -> None:
        """
        Close those who have not said what they want.
        """
        for newcomer in list(self._new):
            newcomer.end()

    def end(self) -> None:
        """
        Close all connections.
        """
        self.turn_away()
        for each in list(self._here):
            each.end()

    def _multiplexed(self, fresh: socket.socket, text: str, begun: bytes) -> None:
        wire = SocketWire(fresh, self._loop, self._here.discard)
        self._here.add(wire)
        wire.begin(Backchannel(wire, text, self._origins, self._loop).connection, begun)

    def _relay(self, fresh: socket.socket, text: str, begun: bytes) -> None:
        try:
            inner = self._origins.connect(Origin(text))
        except Full:
            self._loop.call_later(RETRY, self._relay, fresh, text, begun)
            return
        except OSError:
            fresh.close()
            return

        def gone(relay: Relay) -> None:
            self._origins.forget(inner)
            self._here.discard(relay)

        self._here.add(Relay(fresh, inner, begun, self._loop, gone))

    def _adopt(self, fresh: socket.socket, factory: Any) -> None:
        """
        Make a transport of Twisted's of a connection, of which it makes a copy.
        """
        self._reactor.adoptStreamConnection(fresh.fileno(), fresh.family, factory)


class _OneProtocol(Factory):
    """
    A factory of one protocol, which is there already.
    """

    noisy = False

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: Any) -> Any:
        """
        That one.
        """
        return self._protocol


class Acceptor:
    """
    Accepts connections.

    :param listening: the listening socket.
    :param loop: the reactor's.
    :param accepted: given each connection, which does not block, and the client's address for the log.
    """

    _log = Logger()

    def __init__(self, listening: socket.socket, loop: Any, accepted: Callable[[socket.socket, str], None]) -> None:
        self._socket = listening
        self._loop = loop
        self._accepted = accepted
        self._pause: Any = None
        listening.setblocking(False)
        self._begin()

    def close(self) -> None:
        """
        Accept no more.
        """
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _begin(self) -> None:
        self._pause = None
        self._loop.add_reader(self._socket, self._readable)

    def _readable(self) -> None:
        for _ in range(AT_ONCE):
            try:
                fresh, address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EPERM):
                    raise
                # Trying again at once would do nothing else.
                self._log.error("no connections accepted for {pause} s: {error}", pause=PAUSE, error=str(error))
                self._loop.remove_reader(self._socket)
                self._pause = self._loop.call_later(PAUSE, self._begin)
                return
            fresh.setblocking(False)
            if fresh.family != socket.AF_UNIX:
                fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                fresh.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._accepted(fresh, peer_text(fresh.family, address))


def peer_text(family: int, address: Any) -> str:
    """
    A client's address, for the log. One that was mapped to IPv6 is shown as what it is; of a client of a socket in the file
    system nothing is known.
    """
    if family == socket.AF_INET:
        return f"{address[0]}:{address[1]}"
    if family == socket.AF_INET6:
        host = str(address[0])
        if host.startswith("::ffff:") and "." in host:
            return f"{host.removeprefix('::ffff:')}:{address[1]}"
        return f"[{host}]:{address[1]}"
    return "unix"
