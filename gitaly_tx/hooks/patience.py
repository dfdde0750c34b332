"""
Waiting no longer than so long, whoever is waited for.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

T = TypeVar("T")

_log = Logger()


def within(seconds: float, clock: IReactorTime, work: Awaitable[T], what: str) -> Deferred[T]:
    """
    Wait for something, and cancel it when its time is up. If it does not heed that it is not waited for any longer all the same.

    :param what: what the log calls it, should it fail when nobody waits any more.
    :returns: fires with its end; fails with :exc:`TimeoutError` if that does not come in time. Cancelling cancels the work.
    """

    async def awaited() -> T:
        return await work

    working = Deferred.fromCoroutine(awaited())

    def over(result: Any) -> None:
        if not waiting.called:
            waiting.callback(result)  # a Failure calls the errbacks
        elif isinstance(result, Failure) and result.check(CancelledError) is None:
            _log.failure("{what}, which nobody waits for any more, failed", result, what=what)

    waiting: Deferred[T] = Deferred(lambda _: working.cancel())
    working.addBoth(over)
    return waiting.addTimeout(seconds, clock, _late)


def _late(result: Any, seconds: float) -> Any:
    if isinstance(result, Failure):
        result.trap(CancelledError)
        raise TimeoutError(f"took longer than {seconds:g} s")
    return result
