"""
Several coroutines at once.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, gatherResults

T = TypeVar("T")


async def all_of(coroutines: Iterable[Coroutine[Deferred[Any], Any, T]]) -> list[T]:
    """
    Run them side by side.

    :returns: what each returned, in their order.
    :raises Exception: what the first that failed raised.
    """
    return await gatherResults([Deferred.fromCoroutine(one) for one in coroutines], consumeErrors=True)
