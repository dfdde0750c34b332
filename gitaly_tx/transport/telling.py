"""
Telling somebody who waits, now and then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

TELL_AFTER: Final = 1.0
"""Seconds after which somebody who waits is told so."""

TELL_EVERY: Final = 5.0
"""Seconds after which they are told again."""


@contextmanager
def telling(clock: IReactorTime, tell: Callable[[], None]) -> Iterator[None]:
    """
    While the ``with`` block lasts, tell somebody now and then.

    :param tell: tells them.
    """
    again = LoopingCall(tell)
    again.clock = clock
    first = clock.callLater(TELL_AFTER, again.start, TELL_EVERY)
    try:
        yield
    finally:
        if first.active():
            first.cancel()
        if again.running:
            again.stop()
