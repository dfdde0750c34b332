"""
The gRPC server as a service of Twisted's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import grpc
from attrs import frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ...bridge import Running, deferred_from, reactor_loop
from ...errors import Code, GitalyError
from ...rpc.interfaces import IDispatcher
from .exchange import LARGEST
from .handlers import Handlers
from .listening import Bound, Listen, close_listener, open_listener

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


@frozen
class _Server:
    """
    What exists between start and stop.
    """

    grpc: Any
    bound: tuple[Bound, ...]


class GRPCService(Service):
    """
    Serves a dispatcher on any number of addresses.

    Nothing is opened, and no thread of grpcio's runs, before :meth:`startService`: a daemonizing ``twistd`` forks between
    building and starting.

    :param reactor: asyncio's.
    :param dispatcher: runs the calls.
    :param listens: where to listen.
    :param grace: how many seconds calls may go on when the service stops; then they are cancelled.
    """

    _log = Logger()

    def __init__(self, reactor: IReactorTime, dispatcher: IDispatcher, listens: Sequence[Listen], grace: float = 60.0) -> None:
        self._reactor = reactor
        self._dispatcher = dispatcher
        self._listens = tuple(listens)
        self._grace = grace
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
            waiter.callback(self._server.bound)
        else:
            self._waiting.append(waiter)
        return waiter

    def _begin(self) -> None:
        if not self.running:
            return
        starting = self._starting = Deferred.fromCoroutine(self._start())
        starting.addBoth(self._started)

    async def _start(self) -> _Server:
        reactor_loop()
        server = grpc.aio.server(
            handlers=(Handlers(self._dispatcher, self._reactor, self._running),),
            options=OPTIONS,
        )
        bound: list[Bound] = []
        try:
            for listen in self._listens:
                bound.append(open_listener(server, listen))
        except BaseException:
            # A server that was never started has to be stopped as well, or its sockets stay open.
            await deferred_from(server.start())
            await deferred_from(server.stop(None))
            for each in bound:
                close_listener(each)
            raise
        await deferred_from(server.start())
        return _Server(server, tuple(bound))

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
                waiter.callback(result.bound)

    async def _stop(self) -> None:
        if self._starting is not None:
            await self._starting
        server, self._server = self._server, None
        if server is None:
            return
        for bound in server.bound:
            close_listener(bound)
        await deferred_from(server.grpc.stop(self._grace))
        await self._running.idle()
