"""
Where work is done that blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads

from ..threads import IsPool, in_pool

P = ParamSpec("P")
T = TypeVar("T")


@frozen
class Threads:
    """
    A thread pool and the reactor that its results come back to. Calling it is the same as :meth:`run`, so that it is an
    :class:`~gitaly_tx.wal.threads.InThread` too.
    """

    _reactor: IReactorFromThreads
    _pool: IsPool

    def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """
        Do ``work`` in a thread. Cancelling stops the waiting and never the work.
        """
        done: Deferred[T] = in_pool(self._reactor, self._pool, work, *args, **kwargs)
        return done

    __call__ = run
