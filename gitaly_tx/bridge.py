"""
asyncio ↔ Deferred, in both directions: nothing else in the server knows both. The gRPC front end and the client use it.

grpcio runs a coroutine per call as an asyncio task on the reactor's own loop, so everything here happens in the reactor's thread.
Services are coroutines that await Deferreds. Two crossings are all there is: a task waits for the call's Deferred
(:func:`settled`), and a call's coroutine waits for one of grpcio's operations (:class:`Reader`, :class:`Writer`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import copy_context
from typing import Any, Final, Generic, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
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


def driven(coroutine: Coroutine[Any, Any, T]) -> Deferred[T]:
    """
    Run an asyncio coroutine that waits for futures only, as grpcio's operations do, without a task: it begins right here, and
    whoever waits for it goes on in the turn in which it ends. A task takes a turn for each, and most of what it costs.

    Cancelling the Deferred cancels what the coroutine waits for; nobody hears how it ends then.
    """
    driving: _Driving[T] = _Driving(coroutine)
    driving.step()
    return driving.done


class _Driving(Generic[T]):
    """
    A coroutine under way.

    :ivar done: fires when it has ended.
    """

    __slots__ = ("_context", "_coroutine", "_waits", "done")

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self._context = copy_context()
        self._waits: asyncio.Future[Any] | None = None
        self.done: Deferred[T] = Deferred(self._cancel)

    def step(self, _: object = None) -> None:
        """
        What it waited for is there, or has failed; the future tells it which.
        """
        self._waits = None
        fire: Callable[[Any], object] = self.done.callback
        result: Any
        try:
            waits = self._coroutine.send(None)
        except StopIteration as end:
            result = end.value
        except (Exception, asyncio.CancelledError) as error:
            fire, result = self.done.errback, Failure(error)
        else:
            self._wait(waits)
            return
        if not self.done.called:
            fire(result)

    def _wait(self, future: asyncio.Future[Any] | None) -> None:
        if future is None:  # It only lets others have a turn.
            asyncio.get_running_loop().call_soon(self.step, context=self._context)
            return
        self._waits = future
        # What a task does: the future is told that its ``yield`` has arrived where it should.
        future._asyncio_future_blocking = False
        future.add_done_callback(self.step, context=self._context)

    def _cancel(self, _: Deferred[T]) -> None:
        if self._waits is not None:
            self._waits.cancel()


class Reader(Generic[T]):
    """
    Reads one message at a time.

    Whoever waits may stop waiting without losing a message: the read goes on, and the next one who asks gets what it brings.

    :param read: begins to read one.
    """

    def __init__(self, read: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._read = read
        self._reading: Deferred[T] | None = None

    def next(self) -> Deferred[T]:
        """
        The next message. Only one may wait at a time.

        :raises StreamBroken: if the read fails.
        """
        reading = self._reading
        if reading is None:
            reading = self._reading = driven(self._read())
        waiter: Deferred[T] = Deferred()
        reading.addBoth(self._arrived, waiter)
        return waiter

    def close(self) -> None:
        """
        Read nothing more.
        """
        reading, self._reading = self._reading, None
        if reading is not None:
            _forget(reading)

    def _arrived(self, result: T | Failure, waiter: Deferred[T]) -> T | Failure | None:
        """
        :returns: what the read brought, if nobody waits for it.
        """
        if waiter.called:
            return result
        self._reading = None
        if isinstance(result, Failure):
            waiter.errback(Failure(_broken(result.value)))
        else:
            waiter.callback(result)
        return None


class Taken:
    """
    What is given to be awaited for what need not be waited for. It does not suspend: a Deferred, though fired, would pass up
    through every coroutine of the call and down again.
    """

    def __await__(self) -> Generator[Any, Any, None]:
        yield from ()


TAKEN: Final = Taken()

AHEAD: Final = 64 * 1024
"""The most bytes that wait to be written without anybody waiting for them."""


class Writer:
    """
    Writes messages in order, all that come as long as it is at it in one go.

    Whoever waits may stop waiting; the message is still sent, and before the next one. Once a write has failed, all do.

    :param write: writes one.
    :param ahead: how many messages, of :data:`AHEAD` bytes in all, may wait behind the one that is being written before the next
        one has to be waited for.
    """

    def __init__(self, write: Callable[[bytes], Coroutine[Any, Any, None]], ahead: int = 0) -> None:
        self._write = write
        self._ahead = ahead
        self._queue: deque[tuple[bytes, Deferred[None] | None]] = deque()
        self._size = 0
        self._waiter: Deferred[None] | None = None  # for what is being written
        self._busy = False
        self._writing: Deferred[None] | None = None
        self._idle: list[Deferred[None]] = []
        self._broken: StreamBroken | None = None

    def write(self, data: bytes) -> Awaitable[None]:
        """
        :returns: done once the transport has taken the message, or at once if it need not be waited for.
        :raises StreamBroken: if nobody will receive it, or has received what was not waited for.
        """
        if self._broken is not None:
            return fail(self._broken)
        if len(self._queue) < self._ahead and self._size + len(data) <= AHEAD:
            self.post(data)
            return TAKEN
        waiter: Deferred[None] = Deferred()
        self._add(data, waiter)
        return waiter

    def post(self, data: bytes) -> None:
        """
        Write a message that nobody waits for; should it fail, the next one does.
        """
        if self._broken is None:
            self._add(data, None)

    async def idle(self) -> None:
        """
        Wait, in an asyncio task, until nothing is being written.
        """
        if self._busy:
            idle: Deferred[None] = Deferred()
            self._idle.append(idle)
            await settled(idle)

    def close(self) -> None:
        """
        Write nothing more.
        """
        if self._busy:
            self._fail(asyncio.CancelledError())
        if self._writing is not None:
            _forget(self._writing)

    def _add(self, data: bytes, waiter: Deferred[None] | None) -> None:
        self._queue.append((data, waiter))
        self._size += len(data)
        if not self._busy:
            self._busy = True
            self._writing = driven(self._run())

    async def _run(self) -> None:
        try:
            while self._queue:
                data, self._waiter = self._queue.popleft()
                self._size -= len(data)
                await self._write(data)
                if self._waiter is not None and not self._waiter.called:
                    # Whoever waited goes on right here, and most likely writes more.
                    self._waiter.callback(None)
        except Exception as error:
            self._fail(error)
        finally:
            self._busy = False
            idle, self._idle = self._idle, []
            for each in idle:
                if not each.called:
                    each.callback(None)

    def _fail(self, error: BaseException) -> None:
        self._broken = _broken(error)
        waiting = [self._waiter, *(waiter for _, waiter in self._queue)]
        self._queue.clear()
        for each in waiting:
            if each is not None and not each.called:
                each.errback(Failure(self._broken))


class Once:
    """
    Something that is done once, however many ask for it: whoever asks first does it, and the others wait.

    :param start: does it.
    """

    def __init__(self, start: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._start = start
        self._done: asyncio.Future[None] | None = None

    @property
    def begun(self) -> bool:
        """
        Whether anybody has asked.
        """
        return self._done is not None

    async def done(self) -> None:
        """
        Return when it is done, or fail as it does. If whoever asked first is cancelled, it is for all.
        """
        if self._done is not None:
            if not self._done.done():
                await asyncio.wait([self._done])
            return self._done.result()
        done = self._done = asyncio.get_running_loop().create_future()
        try:
            await self._start()
        except Exception as error:
            done.set_exception(error)
            done.exception()  # It is seen, also if nobody else asks.
            raise
        except BaseException:
            done.cancel()
            raise
        done.set_result(None)


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


def _broken(error: BaseException | None) -> StreamBroken:
    """
    grpcio's exceptions differ by version and by what happened first; all of them mean that the call is over.
    """
    broken = StreamBroken("the client has gone")
    broken.__cause__ = error
    return broken


def _forget(deferred: Deferred[Any]) -> None:
    """
    Cancel it, and do not care what becomes of it.
    """
    deferred.addErrback(lambda _: None)
    deferred.cancel()
