"""
Other Gitalys, for coroutines that await Deferreds; and the connections to them that are kept.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Any, Final, TypeVar

from attrs import define, field
from google.protobuf.message import Message
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from ..bridge import deferred_from
from ..rpc.call import Call
from .dial import Target, open_channel, parse_target
from .interfaces import IConversation, IPeer, IPeers
from .multiplexed import Talk, called, dialled
from .servers import server_of
from .stub import NONE, Client, Conversation, Headers, send_all

T = TypeVar("T")

MOST_IDLE: Final = 32
"""How many connections are kept that nobody uses at the moment."""

CORRELATION_KEY: Final = "x-gitlab-correlation-id"

_OWN: Final = frozenset(
    {
        # Who may call the peer is between it and us.
        "authorization",
        # What belongs to the caller's connection, and has no meaning on another one.
        "gitaly-sidechannel-id",
        "gitaly-sidechannel-socket",
        # What grpcio writes itself.
        "content-type",
        "te",
        "user-agent",
        CORRELATION_KEY,
    }
)
_OWN_PREFIXES: Final = ("grpc-", ":")


def carried_on(call: Call | None) -> Headers:
    """
    The metadata of a call that belong to the calls that are made because of it.
    """
    if call is None:
        return NONE
    carried = [
        (key, value)
        for key, values in call.metadata.items()
        if key not in _OWN and not key.startswith(_OWN_PREFIXES)
        for value in values
    ]
    if call.correlation_id:
        carried.append((CORRELATION_KEY, call.correlation_id))
    return carried


@define(eq=False)
class Link:
    """
    A channel, and how many calls use it.
    """

    channel: Any
    users: int = field(default=0, init=False)


@implementer(IPeer)
class Peer:
    """
    A Gitaly that can be called.

    :param link: finds or makes what connects to it.
    :param now: the time of day in Unix seconds, for tokens.
    :param headers: what goes along with each call.
    """

    def __init__(
        self, address: str, token: str, link: Callable[[], Link], now: Callable[[], float], headers: Headers = NONE
    ) -> None:
        self.address = address
        self.token = token
        self._link = link
        self._now = now
        self._headers = headers

    def unary(self, method: str, request: Message) -> Deferred[Any]:
        """
        As :func:`IPeer.unary`.
        """
        link = self._link()
        link.users += 1
        return _deferred(self._client(link).unary(method, request, self._headers)).addBoth(_unused, link)

    async def replies(self, method: str, request: Message) -> AsyncIterator[Any]:
        """
        As :func:`IPeer.replies`.
        """
        conversation = self.converse(method)
        try:
            await conversation.send(request)
            await conversation.finish()
            while (reply := await conversation.receive()) is not None:
                yield reply
        finally:
            conversation.cancel()

    async def upload(self, method: str, requests: AsyncIterator[Message] | Iterable[Message]) -> Any:
        """
        As :func:`IPeer.upload`.
        """
        return await send_all(self.converse(method), requests)

    def converse(self, method: str) -> TwistedConversation:
        """
        As :func:`IPeer.converse`.
        """
        link = self._link()
        return TwistedConversation(link, self._client(link).converse(method, self._headers))

    async def talk(self, method: str, request: Message, talk: Talk) -> Any:
        """
        As :func:`IPeer.talk`.
        """
        connected = await dialled(self.address, self.token)
        try:
            return await called(connected, method, request, talk, self._headers)
        finally:
            await deferred_from(connected.close())

    def _client(self, link: Link) -> Client:
        return Client(link.channel, self.token, self._now)


@implementer(IConversation)
class TwistedConversation:
    """
    A call whose messages go one by one.

    :param link: what connects to the peer; in use until the call has ended.
    """

    def __init__(self, link: Link, conversation: Conversation) -> None:
        self._link: Link | None = link
        link.users += 1
        self._conversation = conversation

    def send(self, request: Message) -> Deferred[None]:
        """
        As :func:`IConversation.send`.
        """
        return _deferred(self._conversation.send(request))

    def finish(self) -> Deferred[None]:
        """
        As :func:`IConversation.finish`.
        """
        return _deferred(self._conversation.finish())

    def receive(self) -> Deferred[Any]:
        """
        As :func:`IConversation.receive`.
        """
        return _deferred(self._conversation.receive()).addCallbacks(self._received, self._failed)

    def cancel(self) -> None:
        """
        As :func:`IConversation.cancel`.
        """
        self._conversation.cancel()
        self._end()

    def _received(self, reply: Any) -> Any:
        if reply is None:
            self._end()
        return reply

    def _failed(self, failure: T) -> T:
        self._end()
        return failure

    def _end(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            _unused(None, link)


@implementer(IPeers)
class Peers:
    """
    One connection for each address, kept while it is used, and the last :data:`MOST_IDLE` of those that are not.

    :param now: the time of day in Unix seconds, for tokens.
    :param connect: makes a channel.
    """

    def __init__(self, now: Callable[[], float], connect: Callable[[Target], Any] = open_channel) -> None:
        self._now = now
        self._connect = connect
        self._links: OrderedDict[Target, Link] = OrderedDict()

    def named(self, call: Call, storage: str) -> Peer:
        """
        As :func:`IPeers.named`.
        """
        server = server_of(call, storage)
        return self.at(server.address, server.token, call)

    def at(self, address: str, token: str = "", call: Call | None = None) -> Peer:
        """
        As :func:`IPeers.at`.
        """
        target = parse_target(address)
        return Peer(address, token, lambda: self._link(target), self._now, carried_on(call))

    def close(self) -> Deferred[None]:
        """
        As :func:`IPeers.close`.
        """
        links, self._links = self._links, OrderedDict()
        return deferred_from(_close([link.channel for link in links.values()]))

    def _link(self, target: Target) -> Link:
        link = self._links.get(target)
        if link is None:
            link = self._links[target] = Link(self._connect(target))
            self._drop_idle()
        self._links.move_to_end(target)
        return link

    def _drop_idle(self) -> None:
        idle = [target for target, link in self._links.items() if not link.users]
        # The newest is about to be used.
        for target in idle[: max(0, len(idle) - 1 - MOST_IDLE)]:
            deferred_from(_close([self._links.pop(target).channel]))


async def _close(channels: Iterable[Any]) -> None:
    for channel in channels:
        await channel.close()


def _unused(result: T, link: Link) -> T:
    link.users -= 1
    return result


def _deferred(coroutine: Coroutine[Any, Any, T]) -> Deferred[T]:
    """
    Run an asyncio coroutine; if it is cancelled, even before it has begun, that is told in Twisted's way.
    """
    return deferred_from(coroutine).addErrback(_told)


def _told(failure: Failure) -> Failure:
    return Failure(CancelledError()) if failure.check(asyncio.CancelledError) else failure
