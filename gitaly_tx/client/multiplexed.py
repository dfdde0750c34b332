"""
A connection that carries calls and sidechannels: what Workhorse and GitLab Shell have to Gitaly.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
from google.protobuf.message import Message
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ..bridge import deferred_from, settled
from ..errors import Code
from ..multiplex.bridged import Bridged
from ..multiplex.connection import Connection
from .dial import OPTIONS, parse_target
from .interfaces import PeerError
from .sidechannels import Registry, Sidechannel
from .stub import NONE, Client, Headers
from .wire import connect, listening

ONCE: Final = (
    # No other channel may find this connection, and it cannot be made again.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.client_idle_timeout_ms", 2**31 - 1),
)

Talk = Callable[[Sidechannel], Awaitable[Any]]
"""What is done with a sidechannel, where Deferreds are awaited."""


class Multiplexed:
    """
    One connection to one Gitaly. It is not made anew when it breaks: then every call fails.

    :param connection: the session.
    :param registry: who waits for sidechannels.
    :param channel: grpcio's, over the session's first stream.
    :param token: the secret to show; empty for none.
    :ivar client: makes calls without sidechannels, for asyncio programs.
    """

    def __init__(self, connection: Connection, registry: Registry, channel: Any, token: str = "") -> None:
        self._connection = connection
        self._registry = registry
        self.client = Client(channel, token)

    @classmethod
    async def dial(cls, address: str, token: str = "", roots: bytes | None = None) -> Multiplexed:
        """
        Connect. For asyncio; :func:`dialled` is the same for Twisted.

        :param address: as :func:`~gitaly_tx.client.dial.parse_target` takes it.
        :param roots: as :func:`~gitaly_tx.client.dial.open_channel` takes it.
        :raises PeerError: UNAVAILABLE if nobody is there.
        """
        target = parse_target(address)
        registry = Registry()
        try:
            connection = await connect(target, roots, registry.opened, lambda: None)
        except OSError as error:
            raise PeerError(f"cannot connect to {address}", Code.UNAVAILABLE, {"error": str(error)}) from error
        return cls(connection, registry, await _channel(connection), token)

    async def close(self) -> None:
        """
        Close it; calls that go on are cancelled. For asyncio.
        """
        await self.client.close()
        self._connection.close()

    async def call(
        self, method: str, request: Message, talk: Callable[[ForAsyncio], Awaitable[Any]], headers: Headers = NONE
    ) -> Any:
        """
        Make a call that has a sidechannel. For asyncio programs; :func:`called` is the same for Twisted.

        :param method: as :class:`~gitaly_tx.client.stub.Client` names it.
        :param talk: what is done with the sidechannel. It reads what the server sends to its end, and returns when all is said.
            It is not begun if the call fails before there is one.
        :returns: the reply.
        :raises PeerError: if the call fails; otherwise what ``talk`` raises.
        """
        return await self.converse(method, request, lambda channel: deferred_from(_run(talk, channel)), headers)

    async def converse(self, method: str, request: Message, talk: Talk, headers: Headers) -> Any:
        """
        :meth:`call`, whose ``talk`` awaits Deferreds.
        """
        expected = self._registry.expect()
        talking = Deferred.fromCoroutine(_talk(expected.opened, talk))
        problems: list[Failure] = []
        talking.addErrback(problems.append)
        try:
            reply = await self.client.unary(method, request, (*headers, *expected.headers))
        except BaseException:
            if not problems:
                talking.cancel()
                raise
            # The call failed because of that.
            problems[0].raiseException()
        finally:
            expected.forget()
        if expected.opened.called:
            await settled(talking)
            if problems:
                problems[0].raiseException()
        else:
            talking.cancel()
        return reply


class ForAsyncio:
    """
    A sidechannel, for coroutines of asyncio's.
    """

    def __init__(self, channel: Sidechannel) -> None:
        self._channel = channel

    async def read(self) -> bytes:
        """
        What the server sends, piece by piece; nothing after the last.

        :raises StreamBroken: if the server breaks it off.
        """
        return await settled(Deferred.fromCoroutine(self._channel.read()))

    async def write(self, data: bytes) -> None:
        """
        Send some bytes; done when the connection has taken them.

        :raises StreamBroken: if the server does not read any more.
        """
        await settled(Deferred.fromCoroutine(self._channel.write(data)))

    async def finish(self) -> None:
        """
        Say that nothing more comes.
        """
        await settled(Deferred.fromCoroutine(self._channel.finish()))


async def _run(talk: Callable[[ForAsyncio], Awaitable[Any]], channel: Sidechannel) -> None:
    await talk(ForAsyncio(channel))


async def _talk(opened: Deferred[Sidechannel], talk: Talk) -> None:
    channel = await opened
    try:
        await talk(channel)
    except BaseException:
        channel.abandon()
        raise
    channel.close()


def dialled(address: str, token: str = "", roots: bytes | None = None) -> Deferred[Multiplexed]:
    """
    :meth:`Multiplexed.dial`, for Twisted on the asyncio reactor.
    """
    return deferred_from(Multiplexed.dial(address, token, roots))


def called(multiplexed: Multiplexed, method: str, request: Message, talk: Talk, headers: Headers = NONE) -> Deferred[Any]:
    """
    :meth:`Multiplexed.call`, for Twisted on the asyncio reactor.
    """
    return deferred_from(multiplexed.converse(method, request, talk, headers))


async def _channel(connection: Connection) -> Any:
    """
    A channel of grpcio's over the session's first stream. grpcio connects to addresses only, so it is given one that nobody else
    can reach, once.
    """
    loop = asyncio.get_running_loop()
    calls = Bridged(connection.open(), loop)
    folder = tempfile.mkdtemp(prefix="gitaly-")
    try:
        path = os.path.join(folder, "calls")
        private = listening(path)
        try:
            channel = grpc.aio.insecure_channel(f"unix:{path}", (*OPTIONS, *ONCE))
            channel.get_state(try_to_connect=True)
            joined, _ = await loop.sock_accept(private)
        finally:
            private.close()
    finally:
        shutil.rmtree(folder)
    joined.setblocking(False)
    calls.join(joined, _nothing, connection.close)
    return channel


def _nothing() -> None:
    pass
