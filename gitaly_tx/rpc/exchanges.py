"""
Exchanges that wrap other exchanges, and the exchange of a call that is made inside of the process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from google.protobuf.message import Message
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from ..streams import StreamBroken
from .interfaces import IExchange


@implementer(IExchange)
class LocalExchange:
    """
    The exchange of a call that has all its requests from the start: what the HTTP and SSH doors hand to the dispatcher.

    :param requests: the requests, in their order.
    :param on_reply: called with each reply. Without it they are kept in :attr:`replies`, so leave it out only where they are few,
        as they are for a call with a body.
    """

    def __init__(self, requests: Sequence[Message], on_reply: Callable[[Message], Deferred[None] | None] | None = None) -> None:
        self._requests = list(reversed(requests))
        self._on_reply = self._keep if on_reply is None else on_reply
        self._broken = False
        self.replies: list[Message] = []

    def receive(self) -> Deferred[Message | None]:
        """
        The next request, at once.
        """
        return succeed(self._requests.pop() if self._requests else None)

    def send(self, reply: Message) -> Deferred[None]:
        """
        Hand a reply over.

        :raises StreamBroken: after :meth:`break_off`.
        """
        if self._broken:
            raise StreamBroken("nobody waits for the reply")
        done = self._on_reply(reply)
        return succeed(None) if done is None else done

    def break_off(self) -> None:
        """
        Say that the caller has gone: nothing can be sent any more.
        """
        self._broken = True

    def _keep(self, reply: Message) -> None:
        self.replies.append(reply)


@implementer(IExchange)
class PeekedExchange:
    """
    Lets somebody look at the first request before the method receives it.

    :param inner: the exchange that the messages come from and go to.
    """

    def __init__(self, inner: IExchange) -> None:
        self._inner = inner
        self._first: Message | None = None
        self._held = False

    async def peek(self) -> Message | None:
        """
        The first request, which the next :meth:`receive` gives again; ``None`` if there is none. Only before the first receive.
        """
        if not self._held:
            self._first = await self._inner.receive()
            self._held = True
        return self._first

    async def receive(self) -> Message | None:
        """
        As the inner exchange, from the first request on.
        """
        if self._held:
            self._held = False
            return self._first
        return await self._inner.receive()

    async def send(self, reply: Message) -> None:
        """
        As the inner exchange.
        """
        await self._inner.send(reply)


@implementer(IExchange)
class NotedExchange:
    """
    Tells somebody of the first request as the method receives it.

    :param inner: the exchange that the messages come from and go to.
    :param note: called once, with the first request, before the method has it.
    """

    def __init__(self, inner: IExchange, note: Callable[[Message], None]) -> None:
        self._inner = inner
        self._note: Callable[[Message], None] | None = note
        self.send = inner.send

    async def receive(self) -> Message | None:
        """
        As the inner exchange.
        """
        request = await self._inner.receive()
        if self._note is not None and request is not None:
            note, self._note = self._note, None
            note(request)
        return request


__all__ = ["LocalExchange", "NotedExchange", "PeekedExchange"]
