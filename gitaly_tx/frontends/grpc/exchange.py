"""
The messages of a gRPC call: bytes of grpcio's ↔ messages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from typing import Any, Final, Protocol

import grpc
from google.protobuf.message import DecodeError, Message
from zope.interface import implementer

from ...bridge import TAKEN, Once, Reader, Writer, in_two_turns
from ...errors import Code, GitalyError
from ...rpc.call import Call
from ...rpc.interfaces import IExchange
from ...rpc.method import MethodInfo
from ...streams import StreamBroken

LARGEST: Final = 4 * 1024 * 1024
"""The largest request in bytes: the default of Gitaly and of every gRPC implementation."""

SEVERAL: Final = 16
"""
Small replies that may wait for HTTP/2 before a method has to: making them in one turn, and sending them in one task, takes two
thirds of the time. So many take a millisecond or two to make.
"""


class Context(Protocol):
    """
    What is used of grpcio's ``ServicerContext``.
    """

    def read(self) -> Coroutine[Any, Any, Any]: ...
    def write(self, message: bytes) -> Coroutine[Any, Any, None]: ...
    def send_initial_metadata(self, metadata: tuple[tuple[str, str], ...]) -> Coroutine[Any, Any, None]: ...
    def set_trailing_metadata(self, metadata: tuple[tuple[str, str | bytes], ...]) -> None: ...
    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]: ...
    def abort(self, code: grpc.StatusCode, details: str) -> Coroutine[Any, Any, None]: ...
    def set_code(self, code: grpc.StatusCode) -> None: ...
    def set_details(self, details: str) -> None: ...
    def peer(self) -> str: ...
    def time_remaining(self) -> float | None: ...


def decode(method: MethodInfo, data: bytes) -> Message:
    """
    :raises GitalyError: RESOURCE_EXHAUSTED if it is too large, INTERNAL if it is no such message; with grpc-go's texts.
    """
    if len(data) > LARGEST:
        raise GitalyError(
            f"grpc: received message larger than max ({len(data)} vs. {LARGEST})",
            Code.RESOURCE_EXHAUSTED,
        )
    try:
        return method.request.FromString(data)
    except DecodeError as error:
        # What Python's protobuf says of it names messages and fields as it likes; this is what Go's says.
        text = "grpc: error unmarshalling request: proto: cannot parse invalid wire-format data"
        raise GitalyError(text, Code.INTERNAL, {"error": str(error)}) from error


@implementer(IExchange)
class UnaryExchange:
    """
    One request, which is there already, and one reply, which grpcio sends together with the status.

    :param method: what is called.
    :param data: the request, serialized.
    """

    __slots__ = ("_data", "_method", "call", "reply")

    def __init__(self, method: MethodInfo, data: bytes) -> None:
        self._method = method
        self._data: bytes | None = data
        self.call: Call
        self.reply: bytes = b""

    async def receive(self) -> Message | None:
        """
        The request; it is decoded here, so that a request that cannot be is refused like any other.
        """
        data, self._data = self._data, None
        if data is None:
            return None
        self.call.received += len(data)
        return decode(self._method, data)

    async def send(self, reply: Message) -> None:
        """
        Keep the reply until the method has ended.
        """
        self.reply = reply.SerializeToString()
        self.call.sent += len(self.reply)


@implementer(IExchange)
class AnswerExchange:
    """
    One request, which is there already, and any number of replies, with grpcio's back-pressure: no more than :data:`SEVERAL` are
    on their way before HTTP/2 has taken them.

    Most streams have one reply, and their method ends right after it. So the first one is kept for two turns of the loop, which
    count from when the method waits for something: if the method has ended by then, :meth:`finish` sends it with the initial
    metadata, from grpcio's own task. That saves another task and two ways through grpcio's threads. Otherwise it goes out like
    the others.

    :param method: what is called.
    :param data: the request, serialized.
    :param context: grpcio's.
    :param key: the metadata key under which the caller gets the correlation id before the first reply, unless that is the only
        one and the trailing metadata come with it.
    """

    __slots__ = ("_broken", "_context", "_data", "_first", "_kept", "_key", "_method", "_opened", "_waited", "_writer", "call")

    def __init__(self, method: MethodInfo, data: bytes, context: Context, key: str) -> None:
        self._method = method
        self._data: bytes | None = data
        self._context = context
        self._key = key
        self._writer = Writer(self._write, SEVERAL)
        self._first = True
        self._kept: bytes | None = None
        self._waited = False
        self._opened = False
        self._broken = False
        self.call: Call

    async def receive(self) -> Message | None:
        """
        The request; it is decoded here, so that a request that cannot be is refused like any other.
        """
        data, self._data = self._data, None
        if data is None:
            return None
        self.call.received += len(data)
        return decode(self._method, data)

    def send(self, reply: Message) -> Awaitable[None]:
        """
        Send a reply.
        """
        if self._broken:
            raise StreamBroken("the call has ended")
        data = reply.SerializeToString()
        self.call.sent += len(data)
        if self._first:
            self._first = False
            self._kept = data
            # A method that ends in this turn wakes grpcio's task in the next.
            in_two_turns(self._let_go)
            return TAKEN
        self._let_go()
        return self._writer.write(data)

    def waits(self) -> None:
        """
        The method waits for something, for the first time.
        """
        self._waited = True
        if self._kept is not None:
            in_two_turns(self._let_go)

    async def finish(self) -> None:
        """
        The method has ended: send what it sent and nobody has waited for. If the client has gone, nobody misses it.
        """
        kept, self._kept = self._kept, None
        if kept is None:
            await self._writer.idle()
            return
        self._opened = True  # The trailing metadata, which come right after it, say what the initial ones would.
        try:
            await self._context.write(kept)
        except Exception:
            pass  # Whatever grpcio calls it, the call is over, as when it sends a unary reply.

    def close(self) -> None:
        """
        The call has ended: let go of what is under way.
        """
        self._broken = True
        self._kept = None
        self._writer.close()

    def _let_go(self) -> None:
        """
        Send what is kept. Should that fail, so does the next reply, or the call.
        """
        kept, self._kept = self._kept, None
        if kept is not None:
            self._writer.post(kept)

    async def _write(self, data: bytes) -> None:
        if not self._opened:
            self._opened = True
            await self._context.send_initial_metadata(((self._key, self.call.correlation_id),))
        await self._context.write(data)


@implementer(IExchange)
class StreamExchange:
    """
    Requests and replies one by one, with grpcio's back-pressure both ways: a request is read when it is asked for, and a reply is
    done when HTTP/2 has taken it.

    :param method: what is called.
    :param context: grpcio's.
    :param key: the metadata key under which the caller gets the correlation id, before the first reply.
    """

    def __init__(self, method: MethodInfo, context: Context, key: str) -> None:
        self._method = method
        self._context = context
        self._key = key
        self._reader: Reader[Any] = Reader(self._read)
        self._writer = Writer(self._write)
        self._opening = Once(self._open)
        self._half_closed = False
        self._broken = False
        self.call: Call

    async def receive(self) -> Message | None:
        """
        The next request; ``None`` after the half-close.
        """
        if self._half_closed:
            return None
        data = await self._reader.next()
        if data is grpc.aio.EOF:
            self._half_closed = True
            return None
        self.call.received += len(data)
        return decode(self._method, data)

    def send(self, reply: Message) -> Awaitable[None]:
        """
        Send a reply.
        """
        if self._broken:
            raise StreamBroken("the call has ended")
        data = reply.SerializeToString()
        self.call.sent += len(data)
        return self._writer.write(data)

    def close(self) -> None:
        """
        The call has ended: let go of what is under way.
        """
        self._broken = self._half_closed = True
        self._reader.close()
        self._writer.close()

    async def _open(self) -> None:
        await self._context.send_initial_metadata(((self._key, self.call.correlation_id),))

    async def _read(self) -> Any:
        data = await self._context.read()
        if data is grpc.aio.EOF and not self._opening.begun:
            # grpcio's end of the requests is the half-close or the client's death, and it does not say which until later. A
            # method that takes one for the other writes half of what was asked for. Sending something tells: to the dead it
            # fails. Once replies have been sent there is nothing harmless left to send; methods that answer before the half-close
            # have framing of their own.
            await self._opening.done()
        return data

    async def _write(self, data: bytes) -> None:
        await self._opening.done()
        await self._context.write(data)


class UploadExchange(StreamExchange):
    """
    Requests one by one, and one reply, which grpcio sends together with the status.
    """

    reply: bytes = b""

    def send(self, reply: Message) -> Awaitable[None]:
        """
        Keep the reply until the method has ended.
        """
        self.reply = reply.SerializeToString()
        self.call.sent += len(self.reply)
        return TAKEN
