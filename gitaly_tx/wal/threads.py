"""
Work that blocks is handed to whoever has threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

P = ParamSpec("P")
T = TypeVar("T")


class InThread(Protocol):
    """
    Does work elsewhere. The log's writer must be one that does one thing after the other, in order.
    """

    def __call__(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """
        :returns: fires in the reactor's thread with what ``work`` returned or raised. Cancelling it does not stop ``work``.
        """


@frozen
class PoolThreads:
    """
    Threads of a pool; ``maxthreads=1`` makes it keep the order.
    """

    _reactor: IReactorFromThreads
    _pool: ThreadPool

    def __call__(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """
        As :class:`InThread`.
        """
        done: Deferred[T] = deferToThreadPool(self._reactor, self._pool, work, *args, **kwargs)
        return done
