"""
Threads for what blocks, and the way back to the reactor's thread.

They do what Twisted's thread pool and ``callFromThread`` do for ``deferToThreadPool``, at a third of the cost: a look-up in a
repository takes some 50 µs, and should not be handed over at the price of another two. Results that are there at the same time
come back together, by one call of the loop, and not each by a timed call of its own.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context
from queue import SimpleQueue
from typing import Any, ParamSpec, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

P = ParamSpec("P")
T = TypeVar("T")

Told = Callable[[bool, Any], object]
"""Told how work ended: whether well, and its result or its failure."""

TURN = 0.002
"""Seconds after which a turn of the reactor takes up no further result: a crowd of them must not hold up everything else."""

Work = tuple[Told | None, Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class IsPool(Protocol):
    """
    What is used of a thread pool; Twisted's own has it, too.
    """

    def callInThreadWithCallback(self, onResult: Any, func: Callable[..., Any], *args: Any, **kw: Any) -> None:
        """
        Do something in a thread, and say there how it ended.
        """


class Pool:
    """
    As many threads as there is work for, up to a limit. Work that finds none waits its turn; of one that has a single thread, all
    is done in the order it came.

    :param maximum: of threads.
    :param name: what the threads are called.
    """

    _log = Logger()

    def __init__(self, maximum: int, name: str) -> None:
        self._maximum = maximum
        self._name = name
        self._lock = threading.Lock()
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._running = False
        self._free = 0  # threads that have nothing to do, less the work that is on its way to one of them
        self._waiting = 0  # work in the queue that no thread is free for

    def start(self) -> None:
        """
        Begin with what waits already, and with what comes.
        """
        with self._lock:
            self._running = True
            waiting, self._waiting = self._waiting, 0
            for _ in range(waiting):
                self._one_more()

    def stop(self) -> None:
        """
        Do what waits, and end. Blocks until that is done.
        """
        with self._lock:
            self._running = False
            threads, self._threads = self._threads, []
        for _ in threads:
            self._queue.put(None)
        for thread in threads:
            thread.join()
        with self._lock:
            self._free = 0

    def callInThreadWithCallback(self, onResult: Told | None, func: Callable[..., Any], *args: Any, **kw: Any) -> None:
        """
        Do something in a thread.

        :param onResult: told how it ended, in that thread.
        """
        with self._lock:
            self._one_more()
        self._queue.put((onResult, func, args, kw))

    def _one_more(self) -> None:
        """
        There is a piece of work more than there was: see who does it.
        """
        if self._free:
            self._free -= 1
        elif self._running and len(self._threads) < self._maximum:
            thread = threading.Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        else:
            self._waiting += 1

    def _work(self) -> None:
        while (work := self._queue.get()) is not None:
            self._do(*work)
            # Nothing that work has is kept alive until there is other work.
            del work
            with self._lock:
                if self._waiting:
                    self._waiting -= 1
                else:
                    self._free += 1

    def _do(self, told: Told | None, function: Callable[..., Any], args: tuple[Any, ...], kw: dict[str, Any]) -> None:
        well, result = True, None
        try:
            result = function(*args, **kw)
        except BaseException:
            well, result = False, Failure()
        if told is None:
            if not well:
                self._log.failure("work in a thread failed", result)
            return
        try:
            told(well, result)
        except BaseException:
            self._log.failure("nobody can be told how work in a thread ended")


@implementer(IReactorFromThreads)
class Returning:
    """
    Brings what threads have to say into the reactor's thread: all that is there at once, as far as a turn has time for it.

    :param now: a clock in seconds.
    :ivar wake: arranges that something is called there soon, and may itself be called in any thread; set before threads begin.
    """

    _log = Logger()

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.wake: Callable[[Callable[[], object]], object] = _nowhere
        self._now = now
        self._calls: deque[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = deque()
        self._woken = False

    def callFromThread(self, callable: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """
        As :meth:`IReactorFromThreads.callFromThread`.
        """
        self._calls.append((callable, args, kwargs))
        if not self._woken:
            # Two threads may both find nobody woken; to be woken for nothing does no harm.
            self._woken = True
            self.wake(self._deliver)

    def _deliver(self) -> None:
        # First this, then the calls: what is added from now on either is found below, or wakes again.
        self._woken = False
        calls = self._calls
        until = self._now() + TURN
        for _ in range(len(calls)):
            if not calls:
                return
            function, args, kwargs = calls.popleft()
            try:
                function(*args, **kwargs)
            except BaseException:
                self._log.failure("call from a thread failed")
            if self._now() >= until:
                break
        if calls and not self._woken:
            self._woken = True
            self.wake(self._deliver)


def in_pool(reactor: IReactorFromThreads, pool: IsPool, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
    """
    As :func:`twisted.internet.threads.deferToThreadPool`.

    :param reactor: what ``work`` returned or raised comes back to its thread.
    """
    done: Deferred[T] = Deferred()

    def told(well: bool, result: Any) -> None:
        reactor.callFromThread(done.callback if well else done.errback, result)

    pool.callInThreadWithCallback(told, work, *args, **kwargs)
    return done


def loop_wake(call_soon_threadsafe: Callable[..., object]) -> Callable[[Callable[[], object]], object]:
    """
    For :attr:`Returning.wake`: an asyncio loop's method, without a copy of the caller's context at each call.
    """
    context = Context()
    return lambda function: call_soon_threadsafe(function, context=context)


def _nowhere(_: Callable[[], object]) -> None:
    raise RuntimeError("the reactor does not run yet")


__all__ = ["IsPool", "Pool", "Returning", "in_pool", "loop_wake"]
