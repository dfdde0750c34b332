"""
The write queue.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, succeed
from twisted.internet.task import Clock

from gitaly_tx.observability.place import watched_place
from gitaly_tx.writequeue.interfaces import IWriteQueue
from gitaly_tx.writequeue.memory import create_memory_queue
from gitaly_tx.writequeue.queue import WriteQueue
from tests.contracts import writequeue
from tests.support.wal import ALPHA, BETA


class WriteQueueTests(writequeue.WriteQueueContract):
    """
    ``WriteQueue`` keeps the contract.
    """

    def make_queue(self) -> tuple[IWriteQueue, Callable[[], object]]:
        self.clock = Clock()
        self.waits: list[float] = []
        self.lengths: list[int] = []
        self.real = WriteQueue(self.clock, 3, self.waits.append, self.lengths.append)
        return self.real, lambda: None

    def test_statistics(self) -> None:
        """
        Observers hear how long each job waited, and how many wait.
        """
        for name in "ab":
            self.queue.submit(ALPHA, self.job(name))
        self.assertEqual((self.real.waiting(ALPHA), self.real.waiting(BETA)), (1, 0))
        self.clock.advance(2)
        self.end("a")
        self.assertEqual(self.waits, [0, 2])
        self.assertEqual(self.lengths, [1, 0, 1, 0])

    def test_place(self) -> None:
        """
        Whoever wants to know where they stand finds out, until their turn has come.
        """
        self.queue.submit(ALPHA, self.job("a"))
        places = []
        for name in "bc":
            with watched_place() as place:
                self.assertIsNone(place.ahead)
                answer = self.queue.submit(ALPHA, self.job(name))
            places.append(place)
        self.assertEqual([place.ahead for place in places], [1, 2])
        self.end("a")
        self.assertEqual([place.ahead for place in places], [None, 1])
        answer.addErrback(lambda failure: failure.trap(CancelledError))
        answer.cancel()
        self.assertIsNone(places[1].ahead)

    def test_many_that_end_at_once(self) -> None:
        """
        A thousand jobs that end as soon as they begin do not exhaust the stack.
        """
        queue = WriteQueue(self.clock, 5000)
        queue.submit(ALPHA, self.job("first"))
        answers = [queue.submit(ALPHA, lambda: succeed(None)) for _ in range(5000)]
        self.end("first")
        for answer in answers:
            self.successResultOf(answer)
        self.assertEqual(queue.backlog, 0)


class MemoryQueueTests(writequeue.WriteQueueContract):
    """
    So does the queue that is cranked by hand.
    """

    def make_queue(self) -> tuple[IWriteQueue, Callable[[], object]]:
        queue, perform = create_memory_queue(Clock(), 3)

        def perform_all() -> None:
            while perform():
                pass

        return queue, perform_all

    def test_crank(self) -> None:
        """
        Nobody is admitted but by the crank, one at a time.
        """
        queue, perform = create_memory_queue()
        self.assertFalse(perform())
        queue.submit(ALPHA, self.job("a"))
        queue.submit(BETA, self.job("b"))
        self.assertEqual(self.began, [])
        self.assertTrue(perform())
        self.assertEqual(self.began, ["a"])
        self.assertTrue(perform())
        self.assertEqual(self.began, ["a", "b"])
