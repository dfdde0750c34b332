"""
From anything that can be awaited to a Deferred.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from twisted.internet.defer import Deferred

T = TypeVar("T")


def begin(asked: Awaitable[T]) -> Deferred[T]:
    """
    Begin to wait for something.
    """

    async def awaited() -> T:
        return await asked

    return Deferred.fromCoroutine(awaited())
