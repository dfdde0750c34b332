"""
Work that is carried through, whoever stops waiting for it.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure

T = TypeVar("T")


@define(eq=False)
class Detached:
    """
    Writes that have begun, and what has to come after them: a caller that goes away does not stop them.

    :param what: what the log calls a piece of work that failed after its caller had gone.
    """

    _what: str
    _under_way: set[Deferred[Any]] = field(factory=set, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def run(self, coroutine: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
        """
        Run something to its end.

        :returns: fires with its end; cancelling stops the waiting only.
        """
        work = Deferred.fromCoroutine(coroutine)
        waiting: Deferred[T] = Deferred()
        self._under_way.add(work)

        def over(result: T | Failure) -> None:
            self._under_way.discard(work)
            if not waiting.called:
                waiting.callback(result)  # a Failure calls the errbacks
            elif isinstance(result, Failure):
                self._log.failure("{what} whose client is gone", result, what=self._what)

        work.addBoth(over)
        return waiting

    def settle(self) -> Deferred[None]:
        """
        :returns: fires when everything has ended that is under way now.
        """
        waiting: Deferred[Any] = DeferredList(list(self._under_way))
        return waiting.addCallback(lambda _: None)
