"""
Threads that are none, so that a test decides what happens when.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred, execute

P = ParamSpec("P")
T = TypeVar("T")


def inline_threads(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
    """
    Do the work at once.
    """
    return execute(work, *args, **kwargs)


class ParkedThreads:
    """
    Does work when it is told to, in the order in which it came.
    """

    def __init__(self) -> None:
        self.parked: list[Callable[[], None]] = []

    def __call__(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        done: Deferred[T] = Deferred()

        def do() -> None:
            execute(work, *args, **kwargs).chainDeferred(done)

        self.parked.append(do)
        return done

    def one(self) -> None:
        """
        Do the first thing that waits.
        """
        self.parked.pop(0)()

    def all(self) -> None:
        """
        Do everything, and what follows from it.
        """
        while self.parked:
            self.one()
