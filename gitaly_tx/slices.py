"""
Going through very many things without holding up the reactor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final, Generic, TypeVar

from twisted.internet.defer import Deferred

T = TypeVar("T")

SLICE: Final = 250
"""How many of very many things are looked at in one turn of the reactor: some milliseconds."""


class InSlices(Generic[T]):
    """
    The same things, one after the other, for work of some microseconds on each. The reactor gets its turn after every
    :data:`SLICE` of them, so that it is not held up however many they are; as few as that are gone through at once.
    """

    def __init__(self, items: Iterable[T]) -> None:
        self._items = iter(items)
        self._left = SLICE

    def __aiter__(self) -> InSlices[T]:
        return self

    async def __anext__(self) -> T:
        try:
            item = next(self._items)
        except StopIteration:
            raise StopAsyncIteration from None
        if not self._left:
            await _next_turn()
            self._left = SLICE
        self._left -= 1
        return item


def _next_turn() -> Deferred[None]:
    turn: Deferred[None] = Deferred()
    asyncio.get_running_loop().call_soon(turn.callback, None)
    return turn
