"""
A gRPC server in this process, and a client beside it.

Both run on the reactor's loop, so these tests need the asyncio reactor: ``python -m twisted.trial --reactor=asyncio``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import grpc
from twisted.internet import reactor
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from gitaly_tx.frontends.grpc.listening import Kind, Listen
from gitaly_tx.frontends.grpc.origins import Origins
from gitaly_tx.frontends.grpc.service import GRPCService
from gitaly_tx.middleware.status import Status
from gitaly_tx.rpc.dispatcher import Dispatcher
from gitaly_tx.rpc.interfaces import IDispatcher, IMiddleware
from gitaly_tx.rpc.method import MethodInfo

TCP = Listen(Kind.TCP, "127.0.0.1:0")


class GRPCCase(TestCase):
    """
    A test that talks to a server over a real channel.
    """

    timeout = 30.0
    origins: Origins

    def setUp(self) -> Any:
        """
        Begin with nobody.
        """
        self.origins = Origins()

    if not isinstance(reactor, AsyncioSelectorReactor):
        skip = "needs --reactor=asyncio"

    async def serve(
        self,
        *services: Any,
        middlewares: Sequence[IMiddleware] | None = None,
        listens: Sequence[Listen] = (TCP,),
        grace: float = 0.5,
    ) -> Any:
        """
        Serve services, and stop when the test has ended.

        :param middlewares: by default only the one that makes a status of whatever goes wrong.
        :returns: a channel to the first address.
        """
        if middlewares is None:
            middlewares = (Status(self.reactor()),)
        await self.start(Dispatcher(services, middlewares, self.reactor()), listens, grace)
        first = self.bound[0]
        return self.channel(f"unix:{first.address}" if first.kind is Kind.UNIX else first.address)

    async def start(self, dispatcher: IDispatcher, listens: Sequence[Listen], grace: float = 0.5) -> GRPCService:
        """
        Start a server; :attr:`bound` has its addresses.
        """
        self.dispatcher: Any = dispatcher
        service = GRPCService(self.reactor(), dispatcher, listens, grace, self.origins)
        self.service = service
        service.startService()
        self.addCleanup(self.stop, service)
        self.bound = await service.listening()
        return service

    def stop(self, service: GRPCService) -> Any:
        """
        Stop a server, if it runs.
        """
        return service.stopService() if service.running else None

    def channel(self, address: str, credentials: Any = None, options: Sequence[tuple[str, Any]] = ()) -> Any:
        """
        A channel that is closed when the test has ended.
        """
        # A channel of its own for each test: grpcio shares connections between equal ones.
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1), *options]
        made: list[Any] = []

        async def make() -> None:
            if credentials is None:
                made.append(grpc.aio.insecure_channel(address, options))
            else:
                made.append(grpc.aio.secure_channel(address, credentials, options))

        return ChannelMaker(make, made, self)

    def reactor(self) -> Any:
        """
        The reactor.
        """
        return reactor


class ChannelMaker:
    """
    A channel that is made when it is first used: grpcio wants the loop to run.
    """

    def __init__(self, make: Any, made: list[Any], case: GRPCCase) -> None:
        self._make = make
        self._made = made
        self._case = case

    async def _channel(self) -> Any:
        if not self._made:
            await deferred(self._make())
            channel = self._made[0]
            self._case.addCleanup(lambda: deferred(channel.close()))
        return self._made[0]

    async def unary(self, path: str, request: Any, **more: Any) -> tuple[Any, Any]:
        """
        Make a unary call.

        :param path: ``RepositoryService/RepositoryExists``.
        :param request: a message, or bytes.
        :returns: the reply and the call.
        :raises grpc.aio.AioRpcError: if it fails.
        """
        call = await self.begin(path, request, **more)

        async def run() -> Any:
            return await call

        return await deferred(run()), call

    async def begin(self, path: str, request: Any = None, **more: Any) -> Any:
        """
        Begin a call of any kind.

        :returns: grpcio's call object, to be used inside of :func:`deferred`.
        """
        channel = await self._channel()
        method = self._case.dispatcher.method(full_path(path)) if more.pop("known", True) else None
        kind = more.pop("kind", method.kind if method is not None else "unary")
        make = {
            "unary": channel.unary_unary,
            "server_stream": channel.unary_stream,
            "client_stream": channel.stream_unary,
            "bidi_stream": channel.stream_stream,
        }[kind]
        multi = make(full_path(path), request_serializer=_serialize, response_deserializer=_reader(method))
        begun: list[Any] = []

        async def begin() -> None:
            begun.append(multi(**more) if request is None and "stream" in kind else multi(request, **more))

        await deferred(begin())
        return begun[0]

    async def error(self, path: str, request: Any, **more: Any) -> Any:
        """
        Make a unary call that fails.

        :returns: the :class:`grpc.aio.AioRpcError`.
        """
        try:
            await self.unary(path, request, **more)
        except grpc.aio.AioRpcError as error:
            return error
        raise AssertionError("the call did not fail")


def full_path(path: str) -> str:
    """
    A method's path; without a package it is one of Gitaly's.
    """
    if path.startswith("/"):
        return path
    return f"/{path}" if "." in path else f"/gitaly.{path}"


def deferred(coroutine: Coroutine[Any, Any, Any]) -> Deferred[Any]:
    """
    Run an asyncio coroutine on the reactor's loop, which need not run yet.
    """
    running: list[Deferred[Any]] = []
    done: Deferred[Any] = Deferred(lambda _: running[0].cancel())

    def begin() -> None:
        running.append(Deferred.fromFuture(asyncio.ensure_future(coroutine)))
        running[0].addBoth(end)

    def end(result: Any) -> None:
        if not done.called:
            # An error goes the same way as a result.
            done.callback(result)

    _reactor().callLater(0, begin)
    return done


def status_of(error: Any) -> tuple[str, str]:
    """
    Code and text of a failed call.
    """
    return error.code().name, error.details()


def _reactor() -> Any:
    return reactor


def _serialize(request: Any) -> bytes:
    return request if isinstance(request, bytes) else bytes(request.SerializeToString())


def _reader(method: MethodInfo | None) -> Any:
    return bytes if method is None else method.reply.FromString
