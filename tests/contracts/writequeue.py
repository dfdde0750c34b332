"""
What every write queue does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar, copy_context
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code
from gitaly_tx.writequeue.interfaces import IWriteQueue, QueueFull, QueueStopped
from tests.support.wal import ALPHA, BETA

_WHO: ContextVar[str] = ContextVar("who", default="nobody")


class WriteQueueContract(SynchronousTestCase):
    """
    The contract of :class:`IWriteQueue`. Queues are made to hold three waiting jobs for each partition.
    """

    def make_queue(self) -> tuple[IWriteQueue, Callable[[], object]]:
        """
        A queue, and what lets everybody in whose turn it is.
        """
        raise NotImplementedError

    def setUp(self) -> None:
        if type(self) is WriteQueueContract:
            self.skipTest("abstract")
        self.queue, self.admit = self.make_queue()
        self.began: list[str] = []
        self.ends: dict[str, Deferred[Any]] = {}

    def tearDown(self) -> None:
        """
        Let all jobs end.
        """
        self.admit()
        for name in self.began:  # More may begin meanwhile.
            if not self.ends[name].called:
                self.end(name)

    def job(self, name: str) -> Callable[[], Awaitable[Any]]:
        """
        A job that says when it begins, and ends when :attr:`ends` says so.
        """

        def run() -> Deferred[Any]:
            self.began.append(name)
            self.ends[name] = Deferred()
            return self.ends[name]

        return run

    def end(self, name: str, result: object = None) -> None:
        self.ends[name].callback(result)
        self.admit()

    def test_order(self) -> None:
        """
        Jobs of one partition run one after the other, in the order in which they came.
        """
        for name in "abc":
            self.queue.submit(ALPHA, self.job(name))
        self.admit()
        for name, began in (("a", "ab"), ("b", "abc"), ("c", "abc")):
            self.end(name)
            self.assertEqual("".join(self.began), began)

    def test_independence(self) -> None:
        """
        Partitions do not wait for one another.
        """
        for name, partition in (("a", ALPHA), ("b", BETA), ("c", ALPHA)):
            self.queue.submit(partition, self.job(name))
        self.admit()
        self.assertEqual(self.began, ["a", "b"])
        self.end("a")
        self.assertEqual(self.began, ["a", "b", "c"])

    def test_result(self) -> None:
        """
        What the job returns is the answer.
        """
        answer = self.queue.submit(ALPHA, self.job("a"))
        self.admit()
        self.assertNoResult(answer)
        self.end("a", "result")
        self.assertEqual(self.successResultOf(answer), "result")

    def test_failure(self) -> None:
        """
        So is what it raises; the next job runs all the same.
        """

        def fails() -> Deferred[None]:
            raise ValueError("no")

        async def fails_later() -> None:
            raise KeyError("no")

        answers = [self.queue.submit(ALPHA, fails), self.queue.submit(ALPHA, fails_later)]
        self.queue.submit(ALPHA, self.job("next"))
        for _ in range(3):
            self.admit()
        self.failureResultOf(answers[0], ValueError)
        self.failureResultOf(answers[1], KeyError)
        self.assertEqual(self.began, ["next"])

    def test_cancel_before_admission(self) -> None:
        """
        A job that is cancelled while it waits is never run, and those behind it move up.
        """
        self.queue.submit(ALPHA, self.job("a"))
        answer = self.queue.submit(ALPHA, self.job("b"))
        self.queue.submit(ALPHA, self.job("c"))
        self.admit()
        self.assertEqual(self.queue.backlog, 2)
        answer.cancel()
        self.failureResultOf(answer, CancelledError)
        self.assertEqual(self.queue.backlog, 1)
        self.end("a")
        self.assertEqual(self.began, ["a", "c"])

    def test_cancel_after_admission(self) -> None:
        """
        A job that has begun runs to its end; only the caller stops waiting.
        """
        answer = self.queue.submit(ALPHA, self.job("a"))
        self.queue.submit(ALPHA, self.job("b"))
        self.admit()
        answer.cancel()
        self.failureResultOf(answer, CancelledError)
        self.assertEqual(self.began, ["a"])
        self.assertFalse(self.ends["a"].called)
        self.end("a")
        self.assertEqual(self.began, ["a", "b"])

    def test_failure_that_nobody_hears(self) -> None:
        """
        If a job fails after its caller has left, that is logged.
        """
        answer = self.queue.submit(ALPHA, self.job("a"))
        self.admit()
        answer.cancel()
        self.failureResultOf(answer, CancelledError)
        self.ends["a"].errback(ValueError("late"))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_context(self) -> None:
        """
        A job sees the context variables of whoever asked for it, not those of whoever was in front.
        """
        seen = []

        async def look() -> None:
            seen.append(_WHO.get())

        for name in "ab":
            copy_context().run(self._submit_as, name, look)
        self.admit()
        self.assertEqual(seen, ["a", "b"])

    def _submit_as(self, name: str, job: Callable[[], Awaitable[None]]) -> None:
        _WHO.set(name)
        self.queue.submit(ALPHA, job)

    def test_backlog(self) -> None:
        """
        The backlog counts those who wait, over all partitions.
        """
        for partition in (ALPHA, BETA):
            for name in "xy":
                self.queue.submit(partition, self.job(name + partition.path))
        self.admit()
        self.assertEqual(self.queue.backlog, 2)
        self.end("x" + ALPHA.path)
        self.assertEqual(self.queue.backlog, 1)

    def test_full(self) -> None:
        """
        Where too many wait nobody more is let in; other partitions have room.
        """
        self.queue.submit(ALPHA, self.job("runs"))
        self.admit()
        for number in range(3):
            self.queue.submit(ALPHA, self.job(str(number)))
        error = self.assertRaises(QueueFull, self.queue.submit, ALPHA, self.job("too many"))
        self.assertEqual((error.code, error.message), (Code.RESOURCE_EXHAUSTED, "maximum write queue size reached"))
        self.queue.submit(BETA, self.job("other"))
        self.end("runs")
        self.queue.submit(ALPHA, self.job("room again"))

    def test_stop(self) -> None:
        """
        Once stopped it takes nobody, and has stopped when everybody who was in line is served.
        """
        answers = [self.queue.submit(ALPHA, self.job(name)) for name in "ab"]
        self.admit()
        stopped = self.queue.stop()
        error = self.assertRaises(QueueStopped, self.queue.submit, BETA, self.job("c"))
        self.assertEqual(error.code, Code.UNAVAILABLE)
        self.end("a")
        self.assertNoResult(stopped)
        self.end("b")
        self.successResultOf(stopped)
        for answer in answers:
            self.successResultOf(answer)

    def test_stop_when_idle(self) -> None:
        """
        With nobody in line it has stopped at once, and stopping twice is no error.
        """
        self.successResultOf(self.queue.stop())
        self.successResultOf(self.queue.stop())
