"""
A queue that is cranked by hand.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock

from .queue import LONGEST, Begin, WriteQueue


def create_memory_queue(clock: IReactorTime | None = None, longest: int = LONGEST) -> tuple[WriteQueue, Callable[[], bool]]:
    """
    :returns: a queue that admits no job by itself, and a function that admits the next one whose turn it is; it returns whether
        there was one.
    """
    turns: deque[Begin] = deque()

    def perform() -> bool:
        if not turns:
            return False
        turns.popleft()()
        return True

    return WriteQueue(Clock() if clock is None else clock, longest, admit=turns.append), perform
