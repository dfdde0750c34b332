"""
What nearly everybody does with a child: gives it its input while it works, and waits for its end.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred

from ..streams import StreamBroken
from .interfaces import Ended, IChild


def feeding(child: IChild, data: bytes) -> Deferred[None]:
    """
    Give a child its input, and close it. Cancelling this stops it. That the child does not read all of it is its own business.
    """
    fed = Deferred.fromCoroutine(_feed(child, data))
    fed.addErrback(lambda failure: failure.trap(CancelledError))
    return fed


async def ended_or_killed(child: IChild) -> Ended:
    """
    Wait for a child's end; whoever stops waiting ends it.
    """
    try:
        return await child.wait()
    except BaseException:
        child.kill()
        await child.wait()
        raise


async def _feed(child: IChild, data: bytes) -> None:
    try:
        if data:
            await child.stdin.write(data)
    except StreamBroken:
        pass  # It has read what it wanted; its exit status says whether that was well.
    finally:
        child.close_stdin()


__all__ = ["ended_or_killed", "feeding"]
