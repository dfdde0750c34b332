"""
Calls without a door.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer

from gitaly_tx.rpc.call import Call, Door, Identity
from gitaly_tx.rpc.catalogue import gitaly_methods
from gitaly_tx.rpc.interfaces import IDispatcher, IExchange, IMethods, IMiddleware, Proceed
from gitaly_tx.rpc.method import MethodInfo
from gitaly_tx.streams import StreamBroken

METHODS: Mapping[str, MethodInfo] = {info.path: info for info in gitaly_methods()}


@implementer(IExchange)
class RecordingExchange:
    """
    Hands out requests, keeps replies.

    :param requests: what the caller sends before it half-closes.
    :param open: the caller does not half-close: a receive after the last request waits.
    :ivar slow: sends wait until :meth:`take`.
    """

    def __init__(self, requests: Sequence[Message] = (), open: bool = False) -> None:
        self._requests = list(requests)
        self._open = open
        self.received = 0
        self.replies: list[Any] = []
        self.broken = False
        self.slow = False
        self._takers: list[Deferred[None]] = []

    async def receive(self) -> Message | None:
        """
        As :func:`gitaly_tx.rpc.interfaces.IExchange.receive`.
        """
        if self.broken:
            raise StreamBroken("gone")
        self.received += 1
        if self._requests:
            return self._requests.pop(0)
        if self._open:
            await Deferred()
        return None

    async def send(self, reply: Message) -> None:
        """
        As :func:`gitaly_tx.rpc.interfaces.IExchange.send`.
        """
        if self.broken:
            raise StreamBroken("gone")
        self.replies.append(reply)
        if self.slow:
            taken: Deferred[None] = Deferred()
            self._takers.append(taken)
            await taken

    def take(self) -> None:
        """
        The caller takes a reply.
        """
        self._takers.pop(0).callback(None)


def make_call(
    path: str,
    requests: Sequence[Message] = (),
    *,
    door: Door = Door.GRPC,
    user: str | None = None,
    open: bool = False,
    **more: Any,
) -> Any:
    """
    A :class:`~gitaly_tx.rpc.call.Call` of one of Gitaly's methods, with a :class:`RecordingExchange`.

    :param path: ``RepositoryService/RepositoryExists``.
    :param more: further arguments of :class:`~gitaly_tx.rpc.call.Call`.
    """
    method = METHODS[f"/gitaly.{path}"]
    exchange = RecordingExchange(requests, open)
    return Call(method=method, exchange=exchange, door=door, identity=Identity(user), peer="127.0.0.1:50112", **more)


def pass_through(middleware: IMiddleware, call: Call, inner: Callable[[], Awaitable[None]] | None = None) -> Deferred[None]:
    """
    Let a call pass one middleware.

    :param inner: what stands behind it; by default nothing happens there.
    """

    async def nothing() -> None:
        return None

    proceed: Proceed = nothing if inner is None else inner

    async def run() -> None:
        await middleware(call, proceed)

    return Deferred.fromCoroutine(run())


def raising(error: BaseException) -> Proceed:
    """
    An inner part that fails.
    """

    async def fail() -> None:
        raise error

    return fail


@implementer(IMethods)
class Service:
    """
    A service with the methods it is given.

    :param service: its name: ``RefService`` or one with a package.
    """

    def __init__(self, service: str, **methods: Any) -> None:
        self.service = service if "." in service else f"gitaly.{service}"
        for name, method in methods.items():
            setattr(self, name, method)


@implementer(IDispatcher)
class FakeDispatcher:
    """
    Knows Gitaly's methods and answers each with what a function says.

    :param answer: runs a call.
    """

    def __init__(self, answer: Callable[[Call], Awaitable[None]]) -> None:
        self._answer = answer
        self.calls: list[Call] = []

    def dispatch(self, call: Call) -> Deferred[None]:
        """
        Run the answer.
        """
        self.calls.append(call)

        async def run() -> None:
            await self._answer(call)

        return Deferred.fromCoroutine(run())

    def method(self, path: str) -> MethodInfo:
        """
        :raises KeyError: for an unknown one.
        """
        return METHODS[path]


def clock_at(seconds: float) -> Clock:
    """
    A clock that stands at a time.
    """
    clock = Clock()
    clock.advance(seconds)
    return clock
