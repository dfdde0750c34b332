"""
MethodInfo → what grpcio calls → IDispatcher.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from ...bridge import Running, settled
from ...errors import GitalyError
from ...rpc.call import Call
from ...rpc.interfaces import IDispatcher
from ...rpc.method import MethodInfo
from .exchange import AnswerExchange, Context, StreamExchange, UnaryExchange, UploadExchange
from .metadata import CORRELATION_KEY, call_from
from .origins import Origins
from .status import code_and_text, set_status

Serve = Callable[[Any, Context], Awaitable[bytes | None]]


class Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]
    """
    Finds or makes the handler of a method. grpcio hands over bytes, and nothing is decoded before the call is logged and counted.

    :param dispatcher: runs the calls.
    :param clock: measures deadlines.
    :param running: counts the calls that have not ended.
    :param origins: knows who is behind a call.
    """

    def __init__(self, dispatcher: IDispatcher, clock: IReactorTime, running: Running, origins: Origins) -> None:
        self._dispatcher = dispatcher
        self._clock = clock
        self._running = running
        self._origins = origins
        self._handlers: dict[str, grpc.RpcMethodHandler] = {}

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """
        The handler for a path; for an unknown one, a handler that says so in Gitaly's words.
        """
        handler = self._handlers.get(details.method)
        if handler is not None:
            return handler
        try:
            method = self._dispatcher.method(details.method)
        except KeyError as error:
            return grpc.stream_stream_rpc_method_handler(_refuse(error))
        if method.client_streaming and method.server_streaming:
            handler = grpc.stream_stream_rpc_method_handler(self._stream(method))
        elif method.client_streaming:
            handler = grpc.stream_unary_rpc_method_handler(self._upload(method))
        elif method.server_streaming:
            handler = grpc.unary_stream_rpc_method_handler(self._answer(method))
        else:
            handler = grpc.unary_unary_rpc_method_handler(self._unary(method))
        self._handlers[details.method] = handler
        return handler

    def _unary(self, method: MethodInfo) -> Serve:
        async def serve(data: bytes, context: Context) -> bytes:
            exchange = UnaryExchange(method, data)
            exchange.call = call = call_from(context, method, exchange, self._clock, self._origins)
            return await self._reply(call, context, exchange)

        return serve

    def _upload(self, method: MethodInfo) -> Serve:
        async def serve(requests: object, context: Context) -> bytes:
            exchange = UploadExchange(method, context, CORRELATION_KEY)
            exchange.call = call = call_from(context, method, exchange, self._clock, self._origins)
            try:
                return await self._reply(call, context, exchange)
            finally:
                exchange.close()

        return serve

    def _answer(self, method: MethodInfo) -> Serve:
        async def serve(data: bytes, context: Context) -> None:
            exchange = AnswerExchange(method, data, context, CORRELATION_KEY)
            exchange.call = call = call_from(context, method, exchange, self._clock, self._origins)
            try:
                await self._run(call, context, exchange.waits)
                await exchange.finish()
            finally:
                exchange.close()

        return serve

    def _stream(self, method: MethodInfo) -> Serve:
        async def serve(requests: object, context: Context) -> None:
            exchange = StreamExchange(method, context, CORRELATION_KEY)
            exchange.call = call = call_from(context, method, exchange, self._clock, self._origins)
            try:
                await self._run(call, context)
            finally:
                exchange.close()

        return serve

    async def _reply(self, call: Call, context: Context, exchange: UnaryExchange | UploadExchange) -> bytes:
        error = await self._run(call, context)
        if error is not None:
            # Returning would make grpcio send an empty reply before the status.
            await context.abort(*code_and_text(error))
        return exchange.reply

    async def _run(self, call: Call, context: Context, waits: Callable[[], object] | None = None) -> GitalyError | None:
        """
        :param waits: told if the method does not end at once.
        :returns: what the call failed with; the context knows it.
        """
        outcome: Deferred[None] = self._dispatcher.dispatch(call)
        if not outcome.called:
            self._running.add(outcome)
            if waits is not None:
                waits()
        trailing: tuple[tuple[str, str | bytes], ...] = ()
        failure: GitalyError | None = None
        try:
            await settled(outcome)
        except GitalyError as error:
            trailing, failure = set_status(context, error), error
        context.set_trailing_metadata(((CORRELATION_KEY, call.correlation_id), *trailing))
        return failure


def _refuse(error: KeyError) -> Serve:
    async def serve(requests: object, context: Context) -> None:
        refusal = error if isinstance(error, GitalyError) else GitalyError("unknown method")
        set_status(context, refusal)

    return serve
