"""
asyncio ↔ Deferred, in both directions: nothing else in the server knows both. The gRPC front end and the client use it.

grpcio runs a coroutine per call as an asyncio task on the reactor's own loop, so everything here happens in the reactor's thread.
Services are coroutines that await Deferreds. Two crossings are all there is: a task waits for the call's Deferred
(:func:`settled`), and a call's coroutine waits for one of grpcio's operations (:class:`Reader`, :class:`Writer`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from .errors import Code, GitalyError
from .streams import StreamBroken

T = TypeVar("T")


def reactor_loop() -> asyncio.AbstractEventLoop:
    """
    The loop that the reactor runs on; only while it runs.

    :raises GitalyError: FAILED_PRECONDITION if the reactor is another than asyncio's.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise GitalyError("gRPC needs the asyncio reactor: twistd --reactor=asyncio", Code.FAILED_PRECONDITION) from None


def deferred_from(coroutine: Coroutine[Any, Any, T]) -> Deferred[T]:
    """
    Run an asyncio coroutine. Cancelling the Deferred cancels it.
    """
    return Deferred.fromFuture(asyncio.ensure_future(coroutine))


def in_two_turns(function: Callable[[], object]) -> None:
    """
    Call something in the turn of the loop after the next one: after every task that wakes because of what happens in this turn.
    """
    loop = asyncio.get_running_loop()
    loop.call_soon(loop.call_soon, function)


async def settled(deferred: Deferred[T]) -> T:
    """
    Wait for a Deferred in an asyncio task. If the task is cancelled the Deferred is, and nobody waits for what becomes of it.
    """
    if not deferred.called:
        return await deferred.asFuture(asyncio.get_running_loop())
    results: list[T | Failure] = []
    deferred.addBoth(results.append)
    result = results[0]
    if isinstance(result, Failure):
        result.raiseException()
    return result


class Reader(Generic[T]):
    """
    Reads one message at a time.

    Whoever waits may stop waiting without losing a message: the read goes on, and the next one who asks gets what it brings.

    :param read: begins to read one.
    """

    def __init__(self, read: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._read = read
        self._task: asyncio.Task[T] | None = None

    def next(self) -> Deferred[T]:
        """
        The next message. Only one may wait at a time.

        :raises StreamBroken: if the read fails.
        """
        task = self._task
        if task is None:
            task = self._task = asyncio.ensure_future(self._read())
        waiter: Deferred[T] = Deferred()
        task.add_done_callback(lambda done: self._arrived(done, waiter))
        return waiter

    def close(self) -> None:
        """
        Read nothing more.
        """
        if self._task is not None:
            _forget(self._task)
            self._task = None

    def _arrived(self, task: asyncio.Task[T], waiter: Deferred[T]) -> None:
        if waiter.called:
            return
        self._task = None
        _deliver(task, waiter)


class Writer:
    """
    Writes messages in order.

    Whoever waits may stop waiting; the message is still sent, and before the next one.

    :param write: begins to write one.
    """

    def __init__(self, write: Callable[[bytes], Coroutine[Any, Any, None]]) -> None:
        self._write = write
        self._task: asyncio.Task[None] | None = None

    def write(self, data: bytes) -> Deferred[None]:
        """
        :returns: fires once the transport has taken the message.
        :raises StreamBroken: if nobody will receive it.
        """
        before = self._task
        if before is None or before.done():
            task = asyncio.ensure_future(self._write(data))
        else:
            task = asyncio.ensure_future(self._write_after(before, data))
        self._task = task
        waiter: Deferred[None] = Deferred()
        task.add_done_callback(lambda done: _deliver(done, waiter))
        return waiter

    async def idle(self) -> None:
        """
        Wait, in an asyncio task, until nothing is being written.
        """
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    def close(self) -> None:
        """
        Write nothing more.
        """
        if self._task is not None:
            _forget(self._task)
            self._task = None

    async def _write_after(self, before: asyncio.Task[None], data: bytes) -> None:
        await asyncio.wait([before])
        await self._write(data)


class Once:
    """
    Something that is done once, however many ask for it.

    :param start: begins to do it.
    """

    def __init__(self, start: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._start = start
        self._task: asyncio.Task[None] | None = None

    @property
    def begun(self) -> bool:
        """
        Whether anybody has asked.
        """
        return self._task is not None

    async def done(self) -> None:
        """
        Wait until it is done, or fail as it does.
        """
        if self._task is None:
            self._task = asyncio.ensure_future(self._start())
        if not self._task.done():
            await asyncio.wait([self._task])
        self._task.result()

    def close(self) -> None:
        """
        Stop it if it is under way.
        """
        if self._task is not None:
            _forget(self._task)


class Running:
    """
    The calls that have not ended yet, also those whose client has gone.
    """

    def __init__(self) -> None:
        self._count = 0
        self._idle: Deferred[None] | None = None

    def add(self, outcome: Deferred[None]) -> None:
        """
        Count a call until its Deferred fires. The Deferred's result stays what it is.
        """
        self._count += 1
        outcome.addBoth(self._ended)

    def idle(self) -> Deferred[None]:
        """
        Fires when no call runs any more.
        """
        if self._count == 0:
            return succeed(None)
        if self._idle is None:
            self._idle = Deferred()
        return self._idle

    def _ended(self, result: T) -> T:
        self._count -= 1
        if self._count == 0 and self._idle is not None:
            idle, self._idle = self._idle, None
            idle.callback(None)
        return result


def _deliver(task: asyncio.Task[T], waiter: Deferred[T]) -> None:
    if task.cancelled():
        error: BaseException | None = asyncio.CancelledError()
    else:
        error = task.exception()
    if waiter.called:
        return
    if error is None:
        waiter.callback(task.result())
    else:
        # grpcio's exceptions differ by version and by what happened first; all of them mean that the call is over.
        broken = StreamBroken("the client has gone")
        broken.__cause__ = error
        waiter.errback(Failure(broken))


def _forget(task: asyncio.Task[Any]) -> None:
    """
    Cancel a task, and look at its exception so that asyncio does not complain that nobody did.
    """
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    task.cancel()
