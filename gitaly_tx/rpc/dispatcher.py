"""
Runs calls: through the middlewares in their order, then the method.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

from google.protobuf import descriptor_pool
from google.protobuf.message import Message
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ..errors import Code, GitalyError
from ..streams import StreamBroken
from .call import Call
from .catalogue import ELSEWHERE, gitaly_methods
from .execution import Execution, run
from .interfaces import IDispatcher, IExchange, IMethods, IMiddleware
from .method import MethodInfo, methods

PATIENCE: Final = 5.0
"""Seconds that a cancelled call has to clean up before its caller is no longer kept waiting."""

Run = Callable[[Call], Awaitable[None]]


class UnknownMethod(GitalyError, KeyError):
    """
    Nobody ever defined such a method, or such a service. The text is the one of grpc-go.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, Code.UNIMPLEMENTED)

    __str__ = Exception.__str__


@implementer(IDispatcher)
class Dispatcher:
    """
    Knows every method of Gitaly's services and those of ``services``; a method that nobody built yet is answered with
    UNIMPLEMENTED, after the middlewares, so that it is counted and logged like any other.

    :param services: the services that are built. One of another package than Gitaly's (health, reflection) is looked up in the
        default descriptor pool.
    :param middlewares: what every call passes through, outermost first.
    :param clock: measures deadlines and patience.
    :param patience: how many seconds a cancelled call may clean up; see :data:`PATIENCE`.
    :raises KeyError: if nobody knows a service's descriptors.
    :raises ValueError: if a service is there twice.
    """

    _log = Logger()

    def __init__(
        self,
        services: Sequence[IMethods],
        middlewares: Sequence[IMiddleware],
        clock: IReactorTime,
        patience: float = PATIENCE,
    ) -> None:
        self._clock = clock
        self._patience = patience
        built = {service.service: service for service in services}
        elsewhere = ELSEWHERE - built.keys()
        self._methods: dict[str, MethodInfo] = {info.path: info for info in gitaly_methods() if info.service not in elsewhere}
        self._services: set[str] = {info.service for info in self._methods.values()}
        for service in services:
            if service.service not in self._services:
                self._learn(service.service)
        if len(built) < len(services):
            raise ValueError("two objects for one service")
        self._runs: dict[str, Run] = {
            path: _run(info, getattr(built.get(info.service), info.name, None)) for path, info in self._methods.items()
        }
        runs = self._runs
        # No coroutine function: what it gives is awaited by the innermost middleware, without one more layer.
        self._run: Run = lambda call: runs[call.method.path](call)
        for middleware in reversed(middlewares):
            self._run = _through(middleware, self._run)

    @property
    def methods(self) -> Sequence[MethodInfo]:
        """
        All methods that the dispatcher knows, built or not.
        """
        return tuple(self._methods.values())

    def method(self, path: str) -> MethodInfo:
        """
        :raises UnknownMethod: with the text for the caller; it is a :exc:`KeyError`.
        """
        found = self._methods.get(path)
        if found is not None:
            return found
        service, slash, name = path.removeprefix("/").rpartition("/")
        if not slash:
            raise UnknownMethod(f'malformed method name: "{path}"')
        if service in self._services:
            raise UnknownMethod(f"unknown method {name} for service {service}")
        raise UnknownMethod(f"unknown service {service}")

    def dispatch(self, call: Call) -> Deferred[None]:
        """
        Run a call to its end.

        A call that is cancelled, or whose deadline passes, has some seconds to clean up; the Deferred fires only after that.
        """
        work = run(self._guarded(call))
        if work.called:
            return work
        return Execution(call, work, self._clock, self._patience).outcome

    async def _guarded(self, call: Call) -> None:
        """
        Keep the promise that nothing but a GitalyError comes out, even if a middleware is broken.
        """
        try:
            await self._run(call)
        except GitalyError:
            raise
        except (CancelledError, StreamBroken) as error:
            raise GitalyError("context canceled", Code.CANCELLED) from error
        except Exception as error:
            self._log.failure("Call of {method} failed outside of its method", method=call.method.path)
            raise GitalyError("internal error", Code.INTERNAL) from error

    def _learn(self, service: str) -> None:
        """
        :raises KeyError: if the descriptor pool has no such service.
        """
        file = descriptor_pool.Default().FindFileContainingSymbol(service)
        for info in methods(file):
            if info.service == service:
                self._methods[info.path] = info
        self._services.add(service)


class Requests:
    """
    The requests of a call as an async iterator. Stopping half-way needs no clean-up.
    """

    __slots__ = ("_exchange",)

    def __init__(self, exchange: IExchange) -> None:
        self._exchange = exchange

    def __aiter__(self) -> Requests:
        return self

    async def __anext__(self) -> Message:
        request = await self._exchange.receive()
        if request is None:
            raise StopAsyncIteration
        return request


def _through(middleware: IMiddleware, inner: Run) -> Run:
    return lambda call: middleware(call, partial(inner, call))


def _run(info: MethodInfo, method: Callable[..., Any] | None) -> Run:
    """
    The one coroutine function that serves a method, so that nothing has to be found out per call.
    """
    if method is None:

        async def unimplemented(call: Call) -> None:
            raise GitalyError(f"method {info.name} not implemented", Code.UNIMPLEMENTED)

        return unimplemented

    answer = _answer_many if info.server_streaming else _answer_one
    if info.client_streaming:

        async def run_stream(call: Call) -> None:
            await answer(call, method(call, Requests(call.exchange)))

        return run_stream

    async def run_one(call: Call) -> None:
        request = await call.exchange.receive()
        if request is None:
            raise GitalyError("unexpected EOF", Code.INTERNAL)
        await answer(call, method(call, request))

    return run_one


async def _answer_one(call: Call, outcome: Awaitable[Message]) -> None:
    await call.exchange.send(await outcome)


async def _answer_many(call: Call, outcome: Any) -> None:
    """
    Send what a generator yields, each reply when the caller took the one before. A method that sends by itself is only awaited.
    """
    if not hasattr(outcome, "__anext__"):
        await outcome
        return
    try:
        async for reply in outcome:
            await call.exchange.send(reply)
    finally:
        # A generator that is left half-way holds files and children until somebody closes it; here that is certain to happen.
        await outcome.aclose()
