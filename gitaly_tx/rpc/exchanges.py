"""
Exchanges that wrap other exchanges.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from google.protobuf.message import Message
from zope.interface import implementer

from .interfaces import IExchange


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

    def send(self, reply: Message) -> Awaitable[None]:
        """
        As the inner exchange.
        """
        return self._inner.send(reply)

    async def receive(self) -> Message | None:
        """
        As the inner exchange.
        """
        request = await self._inner.receive()
        if self._note is not None and request is not None:
            note, self._note = self._note, None
            note(request)
        return request


__all__ = ["NotedExchange", "PeekedExchange"]
