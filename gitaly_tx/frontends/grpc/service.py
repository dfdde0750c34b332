"""
The gRPC server as a service of Twisted's.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import grpc
from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

from ...bridge import Running, deferred_from, reactor_loop
from ...errors import Code, GitalyError
from ...rpc.interfaces import IDispatcher
from ..tls import RenewableCertificate
from .exchange import LARGEST
from .handlers import Handlers
from .listener import Acceptor, Reception
from .listening import Bound, Kind, Listen, close_listener, open_direct, open_sockets
from .origins import Origins

OPTIONS: Final[tuple[tuple[str, Any], ...]] = (
    # Two servers must not share a port without knowing.
    ("grpc.so_reuseport", 0),
    # grpcio refuses a message in its own words and without a log line; so up to twice the limit it is we who refuse it.
    ("grpc.max_receive_message_length", 2 * LARGEST),
    ("grpc.max_send_message_length", -1),
    # ``gitaly-servers`` names every other server with its token; the default of 8 KiB is soon too little for that.
    ("grpc.max_metadata_size", 64 * 1024),
    ("grpc.absolute_max_metadata_size", 128 * 1024),
    # Gitaly's keepalive: clients may ping every 10 s, also without calls; an idle client is pinged after 5 min.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_time_ms", 300_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)


@define(eq=False)
class _Server:
    """
    What exists between start and stop.

    :param private: the socket on which grpcio serves those whom the reception sends.
    :param made: the directory that was made for that; empty if it was there.
    :param acceptors: the listeners that are ours.
    :param certificates: of those that speak TLS.
    """

    grpc: Any
    private: Bound
    reception: Reception
    made: str
    bound: list[Bound] = field(factory=list)
    acceptors: list[Acceptor] = field(factory=list)
    certificates: list[RenewableCertificate] = field(factory=list)

    def accept_no_more(self) -> None:
        """
        Close the listeners. Connections stay.
        """
        for acceptor in self.acceptors:
            acceptor.close()
        for bound in self.bound:
            close_listener(bound)
        self.reception.turn_away()

    def end(self) -> None:
        """
        Close everything else.
        """
        self.reception.end()
        close_listener(self.private)
        if self.made:
            os.rmdir(self.made)


class GRPCService(Service):
    """
    Serves a dispatcher on any number of addresses.

    Nothing is opened, and no thread of grpcio's runs, before :meth:`startService`: a daemonizing ``twistd`` forks between
    building and starting.

    :param reactor: asyncio's.
    :param dispatcher: runs the calls.
    :param listens: where to listen.
    :param grace: how many seconds calls may go on when the service stops; then they are cancelled.
    :param origins: will know who is behind a call.
    :param private: the path of the socket on which grpcio serves; its directory is this user's only. By default it is in a new
        directory.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        dispatcher: IDispatcher,
        listens: Sequence[Listen],
        grace: float = 60.0,
        origins: Origins | None = None,
        private: str = "",
    ) -> None:
        self._reactor = reactor
        self._dispatcher = dispatcher
        self._listens = tuple(listens)
        self._grace = grace
        self._origins = Origins() if origins is None else origins
        self._private = private
        self._running = Running()
        self._server: _Server | None = None
        self._starting: Deferred[Any] | None = None
        self._waiting: list[Deferred[tuple[Bound, ...]]] = []
        self._failure: Failure | None = None

    def startService(self) -> None:
        """
        Listen as soon as the reactor runs; :meth:`listening` says when.
        """
        super().startService()
        self._failure = None
        # Not callWhenRunning: what it calls runs before the loop does.
        self._reactor.callLater(0, self._begin)

    def stopService(self) -> Deferred[None]:
        """
        Take no more calls, let those that run finish, for the time of grace, then cancel them.

        :returns: fires when none runs any more and no socket is open.
        """
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def listening(self) -> Deferred[tuple[Bound, ...]]:
        """
        :returns: fires with the addresses, with the ports that were chosen, once all of them accept connections; fails with a
            GitalyError if one cannot be had.
        """
        waiter: Deferred[tuple[Bound, ...]] = Deferred()
        if self._failure is not None:
            waiter.errback(self._failure)
        elif self._server is not None:
            waiter.callback(tuple(self._server.bound))
        else:
            self._waiting.append(waiter)
        return waiter

    def _begin(self) -> None:
        if not self.running:
            return
        starting = self._starting = Deferred.fromCoroutine(self._start())
        starting.addBoth(self._started)

    def renew(self) -> None:
        """
        Read the certificates again.

        :raises GitalyError: if one cannot be used; then that stays as it is.
        """
        if self._server is not None:
            for certificate in self._server.certificates:
                certificate.renew()

    async def _start(self) -> _Server:
        loop = reactor_loop()
        server = grpc.aio.server(
            handlers=(Handlers(self._dispatcher, self._reactor, self._running, self._origins),),
            options=OPTIONS,
        )
        directory = "" if self._private else tempfile.mkdtemp(prefix="gitaly-")
        private = self._private or os.path.join(directory, "grpc")
        reception = Reception(self._reactor, loop, self._origins, partial(deferToThread))
        made = _Server(server, open_direct(server, Listen(Kind.UNIX, private)), reception, directory)
        opened: list[tuple[socket.socket, Any]] = []
        try:
            for listen in self._listens:
                if listen.direct:
                    made.bound.append(open_direct(server, listen))
                else:
                    opened += self._open(listen, made)
        except BaseException:
            for each, _ in opened:
                each.close()
            # A server that was never started has to be stopped as well, or its sockets stay open.
            await deferred_from(server.start())
            await deferred_from(server.stop(None))
            made.accept_no_more()
            made.end()
            raise
        await deferred_from(server.start())
        self._origins.path = private
        made.acceptors += [Acceptor(each, loop, accepted) for each, accepted in opened]
        return made

    def _open(self, listen: Listen, made: _Server) -> list[tuple[socket.socket, Any]]:
        """
        :returns: the listening sockets, with what happens to their connections.
        """
        accepted: Any = made.reception.plain
        if listen.kind is Kind.TLS:
            certificate = _certificate(listen)
            made.certificates.append(certificate)
            accepted = partial(made.reception.secured, certificate)
        bound, sockets = open_sockets(listen)
        made.bound.append(bound)
        return [(each, accepted) for each in sockets]

    def _started(self, result: _Server | Failure) -> None:
        """
        Tell those who wait. Any of them may stop the service at once, so what it looks at is set before.
        """
        self._starting = None
        waiting, self._waiting = self._waiting, []
        if isinstance(result, Failure):
            if result.check(GitalyError) is None:
                self._log.failure("gRPC server does not start", failure=result)
                result = Failure(GitalyError("gRPC server does not start", Code.INTERNAL))
            self._failure = result
            for waiter in waiting:
                waiter.errback(result)
        else:
            self._server = result
            for waiter in waiting:
                waiter.callback(tuple(result.bound))

    async def _stop(self) -> None:
        if self._starting is not None:
            await self._starting
        server, self._server = self._server, None
        if server is None:
            return
        server.accept_no_more()
        await deferred_from(server.grpc.stop(self._grace))
        await self._running.idle()
        server.end()


def _certificate(listen: Listen) -> RenewableCertificate:
    try:
        return RenewableCertificate(listen.certificate, listen.key, "the certificate of tls_listen_addr", [b"h2"])
    except GitalyError as error:
        raise GitalyError(f"cannot listen on {listen.address}", Code.UNAVAILABLE, error.facts) from error
