"""
Tests for :mod:`gitaly_tx.threads`.
"""

from __future__ import annotations

import threading
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from gitaly_tx.bridge import reactor_loop
from gitaly_tx.threads import TURN, Pool, Returning, in_pool, loop_wake


class PoolTests(SynchronousTestCase):
    """
    :class:`Pool`
    """

    def setUp(self) -> None:
        self.pool = Pool(2, "test")
        self.told: list[tuple[bool, Any]] = []

    def do(self, work: Any, *args: Any) -> None:
        self.pool.callInThreadWithCallback(lambda *result: self.told.append(result), work, *args)

    def test_done(self) -> None:
        """
        Work is done in other threads, and all of it before the pool has stopped; what waits from before the start, too.
        """
        self.do(threading.get_ident)
        self.assertEqual(self.told, [])
        self.pool.start()
        for number in range(20):
            self.do(int, number)
        self.pool.stop()
        self.assertEqual(sorted(result for _, result in self.told if result != self.told[0][1])[:3], [0, 1, 2])
        self.assertEqual(len(self.told), 21)
        self.assertNotIn((True, threading.get_ident()), self.told)

    def test_at_once(self) -> None:
        """
        As much is done at once as there may be threads, and no more.
        """
        self.pool.start()
        barrier = threading.Barrier(2, timeout=30)
        for _ in range(4):
            self.do(barrier.wait)
        self.pool.stop()
        self.assertEqual(sorted(result for _, result in self.told), [0, 0, 1, 1])
        self.assertTrue(all(well for well, _ in self.told))

    def test_in_order(self) -> None:
        """
        One thread does one thing after the other.
        """
        pool = Pool(1, "test")
        pool.start()
        done: list[int] = []
        for number in range(50):
            pool.callInThreadWithCallback(None, done.append, number)
        pool.stop()
        self.assertEqual(done, list(range(50)))

    def test_used_again(self) -> None:
        """
        A thread that is free is used before another is made.
        """
        self.pool.start()
        done = threading.Semaphore(0)
        for _ in range(3):
            self.pool.callInThreadWithCallback(lambda *_: done.release(), int)
            self.assertTrue(done.acquire(timeout=30))
            while self.pool._free != 1:
                pass
        self.assertEqual(len(self.pool._threads), 1)
        self.pool.stop()

    def test_failures(self) -> None:
        """
        What work raises is told; where nobody wants to know it is logged, and so is a failure to tell. The thread goes on.
        """
        self.pool.start()

        def bad(*_: object) -> None:
            raise ValueError("x")

        self.do(bad)
        self.pool.callInThreadWithCallback(None, bad)
        self.pool.callInThreadWithCallback(bad, int)
        self.do(int)
        self.pool.stop()
        told = sorted((well, getattr(result, "type", result)) for well, result in self.told)
        self.assertEqual(told, [(False, ValueError), (True, 0)])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)


class ReturningTests(SynchronousTestCase):
    """
    :class:`Returning`
    """

    def setUp(self) -> None:
        self.wakes: list[Any] = []
        self.clock = Clock()
        self.returning = Returning(self.clock.seconds)
        self.returning.wake = self.wakes.append
        self.seen: list[object] = []

    def test_together(self) -> None:
        """
        Calls that are there at the same time are made together, in their order; those made meanwhile wake again.
        """
        verifyObject(IReactorFromThreads, self.returning)
        self.returning.callFromThread(self.seen.append, 1)
        self.returning.callFromThread(self.returning.callFromThread, self.seen.append, 3)
        self.returning.callFromThread(self.seen.append, 2)
        self.assertEqual(len(self.wakes), 1)
        self.wakes.pop()()
        self.assertEqual(self.seen, [1, 2])
        self.wakes.pop()()
        self.assertEqual((self.seen, self.wakes), ([1, 2, 3], []))

    def test_takes_turns(self) -> None:
        """
        Calls that take their time leave the rest to another turn.
        """
        for number in range(3):
            self.returning.callFromThread(self.seen.append, number)
            self.returning.callFromThread(self.clock.advance, TURN / 2)
        self.wakes.pop()()
        self.assertEqual((self.seen, len(self.wakes)), ([0, 1], 1))
        self.returning.callFromThread(self.seen.append, 3)
        self.wakes.pop()()
        self.assertEqual((self.seen, self.wakes), ([0, 1, 2, 3], []))

    def test_failure(self) -> None:
        """
        A call that fails is logged, and keeps no other from being made.
        """
        self.returning.callFromThread(int, "x")
        self.returning.callFromThread(self.seen.append, 1)
        self.wakes.pop()()
        self.assertEqual(self.seen, [1])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_woken_for_nothing(self) -> None:
        """
        Two threads may both wake; the second time there is nothing to do.
        """
        self.returning.callFromThread(self.seen.append, 1)
        wake = self.wakes.pop()
        wake()
        wake()
        self.assertEqual(self.seen, [1])

    def test_too_early(self) -> None:
        """
        Nothing can come back before the reactor runs.
        """
        with self.assertRaises(RuntimeError):
            Returning().callFromThread(int)


class InPoolTests(TestCase):
    """
    :func:`in_pool`, on a real loop.
    """

    async def test_results(self) -> None:
        """
        Results and failures come back to the reactor's thread.
        """
        running: Any = reactor
        waited: Deferred[None] = deferLater(running, 0)
        await waited  # until the loop runs
        pool, returning = Pool(2, "test"), Returning()
        returning.wake = loop_wake(reactor_loop().call_soon_threadsafe)
        pool.start()
        self.addCleanup(pool.stop)
        here = threading.get_ident()
        self.assertNotEqual(await in_pool(returning, pool, threading.get_ident), here)
        self.assertEqual(threading.get_ident(), here)
        asked = [in_pool(running if number % 2 else returning, pool, int, str(number), base=10) for number in range(8)]
        self.assertEqual([await each for each in asked], list(range(8)))
        failing: Deferred[int] = in_pool(returning, pool, int, "x")
        await self.assertFailure(failing, ValueError)
