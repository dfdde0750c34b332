"""
A method's name → a call: the client for asyncio programs.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Protocol

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.message import Message

from ..auth.token import issue_token
from ..rpc.catalogue import gitaly_methods
from ..rpc.method import MethodInfo, methods
from .dial import open_channel, parse_target
from .status import peer_error

Headers = Sequence[tuple[str, str | bytes]]
"""Metadata: keys in lower case; those that end in ``-bin`` have bytes."""

NONE: Final[Headers] = ()


class Client:
    """
    The methods of one server.

    A method is named as in ``CommitService/FindCommit``, or with its package if that is another than ``gitaly``. A call that
    fails raises :class:`~gitaly_tx.client.interfaces.PeerError`.

    :param channel: grpcio's; :func:`dial` makes one.
    :param token: the secret to show; empty for none.
    :param now: the time of day in Unix seconds, for the token.
    """

    def __init__(self, channel: Any, token: str = "", now: Callable[[], float] = time.time) -> None:
        self._channel = channel
        self._token = token.encode()
        self._now = now

    @classmethod
    def dial(cls, address: str, token: str = "", roots: bytes | None = None) -> Client:
        """
        :param address: as :func:`~gitaly_tx.client.dial.parse_target` takes it.
        :param roots: as :func:`~gitaly_tx.client.dial.open_channel` takes it.
        """
        return cls(open_channel(parse_target(address), roots), token)

    async def close(self) -> None:
        """
        Close the channel; calls that go on are cancelled.
        """
        await self._channel.close()

    async def unary(self, method: str, request: Message, headers: Headers = NONE, timeout: float | None = None) -> Any:
        """
        One request, one reply.

        :param timeout: seconds after which the call is given up.
        """
        info = method_info(method)
        call = self._channel.unary_unary(info.path, _serialize, info.reply.FromString)
        try:
            return await call(request, metadata=self._headers(headers), timeout=timeout)
        except grpc.RpcError as error:
            raise peer_error(error) from error

    async def replies(
        self, method: str, request: Message, headers: Headers = NONE, timeout: float | None = None
    ) -> AsyncIterator[Any]:
        """
        One request, many replies. An iterator that is closed early cancels the call.
        """
        conversation = self.converse(method, headers, timeout)
        try:
            await conversation.send(request)
            await conversation.finish()
            while (reply := await conversation.receive()) is not None:
                yield reply
        finally:
            conversation.cancel()

    async def upload(
        self,
        method: str,
        requests: AsyncIterator[Message] | Iterable[Message],
        headers: Headers = NONE,
        timeout: float | None = None,
    ) -> Any:
        """
        Many requests, one reply.
        """
        return await send_all(self.converse(method, headers, timeout), requests)

    def converse(self, method: str, headers: Headers = NONE, timeout: float | None = None) -> Conversation:
        """
        Begin a call of any kind.
        """
        info = method_info(method)
        # grpcio's other kinds differ in the calling convention only, not on the wire.
        call = self._channel.stream_stream(info.path, _serialize, info.reply.FromString)
        return Conversation(call(metadata=self._headers(headers), timeout=timeout))

    def _headers(self, headers: Headers) -> tuple[tuple[str, str | bytes], ...]:
        if not self._token:
            return tuple(headers)
        return (*headers, ("authorization", f"Bearer {issue_token(self._token, self._now())}"))


class Talks(Protocol):
    """
    A call whose messages go one by one, of either flavour.
    """

    def send(self, request: Message) -> Awaitable[None]:
        """
        Send a request.
        """

    def finish(self) -> Awaitable[None]:
        """
        There are no more.
        """

    def receive(self) -> Awaitable[Any]:
        """
        The next reply.
        """

    def cancel(self) -> None:
        """
        End it.
        """


async def send_all(conversation: Talks, requests: AsyncIterator[Message] | Iterable[Message]) -> Any:
    """
    Send many requests.

    :param conversation: a call that has just begun; it has ended afterwards, whatever happens.
    :returns: the one reply.
    """
    try:
        if isinstance(requests, AsyncIterator):
            async for request in requests:
                await conversation.send(request)
        else:
            for request in requests:
                await conversation.send(request)
        await conversation.finish()
        return await conversation.receive()
    finally:
        conversation.cancel()


class Conversation:
    """
    A call whose messages go one by one; :class:`~gitaly_tx.client.interfaces.IConversation`, with coroutines of asyncio's.
    """

    def __init__(self, call: Any) -> None:
        call._cython_call = _Truthful(call._cython_call)
        self._call = call

    async def send(self, request: Message) -> None:
        """
        Send a request; dropped if the server has answered without waiting for it.
        """
        try:
            if self._call.done():
                await self._call.read()
            else:
                await self._call.write(request)
        except grpc.RpcError as error:
            raise peer_error(error) from error

    async def finish(self) -> None:
        """
        Say that there are no more requests.
        """
        await self._call.done_writing()

    async def receive(self) -> Any:
        """
        The next reply, or ``None`` after the last.
        """
        try:
            reply = await self._call.read()
        except grpc.RpcError as error:
            raise peer_error(error) from error
        return None if reply is grpc.aio.EOF else reply

    def cancel(self) -> None:
        """
        End the call, if it has not ended.
        """
        self._call.cancel()


class _Truthful:
    """
    grpcio's inner call object, but that it does not make up a status.

    When a request cannot be sent any more, because the server has ended the call, grpcio (1.85) sets a status of its own and so
    loses the one that the server sent. Without it, it waits for the server's.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def set_internal_error(self, text: str) -> None:
        """
        The status is on its way.
        """


_METHODS: Final[dict[str, MethodInfo]] = {}


def method_info(name: str) -> MethodInfo:
    """
    :param name: ``CommitService/FindCommit``, ``grpc.health.v1.Health/Check``.
    :raises KeyError: if nobody knows such a method.
    """
    path = f"/{name}" if "." in name else f"/gitaly.{name}"
    if not _METHODS:
        _METHODS.update((info.path, info) for info in gitaly_methods())
    if path not in _METHODS:
        service = path[1:].rpartition("/")[0]
        file = descriptor_pool.Default().FindFileContainingSymbol(service)
        _METHODS.update((info.path, info) for info in methods(file))
    return _METHODS[path]


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
