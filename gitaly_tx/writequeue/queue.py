"""
A line for each partition.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from functools import partial
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..observability.place import current_place
from ..wal.interfaces import Partition
from .interfaces import IWriteQueue, QueueFull, QueueStopped

T = TypeVar("T")

log = Logger()

LONGEST = 1000
"""The most jobs that wait for one partition."""

Begin = Callable[[], None]


def at_once(begin: Begin) -> None:
    """
    Admit a job as soon as it is its turn.
    """
    begin()


def unobserved_wait(seconds: float) -> None:
    """
    For those who measure nothing.
    """


def unobserved_length(length: int) -> None:
    """
    For those who measure nothing.
    """


@define(eq=False)
class _Job:
    run: Callable[[], Awaitable[Any]]
    asked: float
    answer: Deferred[Any]
    context: Context = field(factory=copy_context)
    admitted: bool = False


@define(eq=False)
class _Line:
    waiting: deque[_Job] = field(factory=deque)
    serving: bool = False


@implementer(IWriteQueue)
@define(eq=False)
class WriteQueue:
    """
    Each partition's jobs run one after the other, in order; partitions do not know of each other.

    :param clock: to measure how long jobs wait.
    :param longest: the most jobs that wait for one partition.
    :param waited: told of every job that is admitted how many seconds it waited.
    :param length: told how many jobs wait, over all partitions, whenever that changes.
    :param admit: given what begins the job whose turn it is; calls it now or later.
    """

    _clock: IReactorTime
    _longest: int = LONGEST
    _waited: Callable[[float], None] = unobserved_wait
    _length: Callable[[int], None] = unobserved_length
    _admit: Callable[[Begin], None] = at_once
    backlog: int = field(default=0, init=False)
    _lines: dict[Partition, _Line] = field(factory=dict, init=False)
    _stopped: bool = field(default=False, init=False)
    _idle: list[Deferred[None]] = field(factory=list, init=False)

    def submit(self, partition: Partition, job: Callable[[], Awaitable[T]]) -> Deferred[T]:
        """
        Stand in the partition's line.
        """
        if self._stopped:
            raise QueueStopped()
        line = self._lines.setdefault(partition, _Line())
        if len(line.waiting) >= self._longest:
            raise QueueFull(len(line.waiting))
        made = _Job(job, self._clock.seconds(), Deferred(lambda answer: self._leave(line, made)))
        answer: Deferred[T] = made.answer
        line.waiting.append(made)
        place = current_place()
        if place is not None:
            place.stand(partial(_ahead, line, made))
        self._changed(1)
        if not line.serving:
            line.serving = True
            Deferred.fromCoroutine(self._serve(partition, line))
        return answer

    def waiting(self, partition: Partition) -> int:
        """
        How many jobs wait for one partition.
        """
        line = self._lines.get(partition)
        return 0 if line is None else len(line.waiting)

    def stop(self) -> Deferred[None]:
        """
        Take no more jobs, and wait for those that were taken.
        """
        self._stopped = True
        done: Deferred[None] = Deferred()
        if self._lines:
            self._idle.append(done)
        else:
            done.callback(None)
        return done

    def _leave(self, line: _Line, job: _Job) -> None:
        if not job.admitted:
            line.waiting.remove(job)
            self._changed(-1)

    async def _serve(self, partition: Partition, line: _Line) -> None:
        while line.waiting:
            turn: Deferred[_Job | None] = Deferred()
            self._admit(lambda turn=turn: self._call_next(line, turn))  # type: ignore[misc]
            job = await turn
            if job is not None:
                await _run(job)
        del self._lines[partition]
        if not self._lines:
            idle, self._idle = self._idle, []
            for done in idle:
                if not done.called:
                    done.callback(None)

    def _call_next(self, line: _Line, turn: Deferred[_Job | None]) -> None:
        """
        Whoever is first now: those who were in front may have left.
        """
        job = line.waiting.popleft() if line.waiting else None
        if job is not None:
            job.admitted = True
            self._changed(-1)
            self._waited(self._clock.seconds() - job.asked)
        turn.callback(job)

    def _changed(self, change: int) -> None:
        self.backlog += change
        self._length(self.backlog)


def _ahead(line: _Line, job: _Job) -> int | None:
    """
    How many jobs come before one: those in line, and the one that runs.
    """
    return None if job.admitted or job not in line.waiting else line.waiting.index(job) + 1


async def _run(job: _Job) -> None:
    """
    A job runs to its end, whether somebody still waits for it or not, and in the context of whoever asked for it.
    """
    try:
        result = await job.context.run(Deferred.fromCoroutine, _whole(job))
    except Exception:
        failure = Failure()
        if not job.answer.called:
            job.answer.errback(failure)
        elif not failure.check(CancelledError):
            log.failure("a write failed after whoever asked for it had left", failure)
    else:
        if not job.answer.called:
            job.answer.callback(result)


async def _whole(job: _Job) -> Any:
    return await job.run()
