"""
A reactor and a pool without threads: what is to run in one runs at once, in the caller's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool


class ImmediateReactor(Clock):
    """
    A clock that tests advance, with the part of a reactor that threads report back to.
    """

    def callFromThread(self, callable: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """
        Call it now.
        """
        callable(*args, **kwargs)

    def getThreadPool(self) -> ThreadPool:
        """
        As :class:`ImmediatePool`.
        """
        return ImmediatePool()

    def callInThread(self, callable: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """
        Call it now.
        """
        callable(*args, **kwargs)

    def suggestThreadPoolSize(self, size: int) -> None:
        """
        There is none.
        """


class ImmediatePool(ThreadPool):
    """
    Runs everything before it returns.
    """

    def callInThreadWithCallback(
        self, onResult: Callable[[bool, Any], object] | None, func: Callable[..., Any], *args: Any, **kw: Any
    ) -> None:
        """
        As the pool's, at once.
        """
        try:
            result = func(*args, **kw)
        except BaseException:
            done, result = False, Failure()
        else:
            done = True
        if onResult is not None:
            onResult(done, result)
