"""
Work over a sidechannel.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred

from ..rpc.interfaces import ISidechannel
from ..streams import StreamBroken

T = TypeVar("T")


async def while_there(channel: ISidechannel, work: Coroutine[Any, Any, T]) -> T:
    """
    Do something for whoever is at the other end of a sidechannel, as long as they are.

    :returns: what ``work`` returns.
    :raises StreamBroken: if they broke it off; the work has been cancelled, and has cleaned up.
    """
    working = Deferred.fromCoroutine(work)
    gone = False

    def lost(_: None) -> None:
        nonlocal gone
        gone = True
        working.cancel()

    channel.lost.addCallback(lost)
    try:
        return await working
    except CancelledError:
        if gone:
            raise StreamBroken("the sidechannel was broken off") from None
        raise
