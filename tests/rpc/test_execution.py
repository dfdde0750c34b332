"""
Tests for :mod:`gitaly_tx.rpc.execution`; what becomes of calls under way is tested with the dispatcher.
"""

from __future__ import annotations

from contextvars import ContextVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.rpc.execution import run

_variable: ContextVar[str] = ContextVar("variable", default="outside")


class RunTests(SynchronousTestCase):
    """
    ``run`` does what ``Deferred.fromCoroutine`` does.
    """

    def test_at_once(self) -> None:
        """
        A coroutine that does not wait has ended, well or not, when its Deferred is there.
        """

        async def work(bad: bool) -> str:
            if bad:
                raise ZeroDivisionError
            return "done"

        self.assertEqual(self.successResultOf(run(work(False))), "done")
        self.failureResultOf(run(work(True)), ZeroDivisionError)

    def test_waits(self) -> None:
        """
        One that waits goes on with what it waited for, each time, a failure included.
        """
        first, second, third = Deferred[str](), Deferred[str](), Deferred[str]()

        async def work() -> list[str]:
            found = [await first]
            try:
                await second
            except ZeroDivisionError:
                found.append("failed")
            return [*found, await third]

        done = run(work())
        self.assertNoResult(done)
        first.callback("first")
        second.errback(ZeroDivisionError())
        self.assertNoResult(done)
        third.callback("third")
        self.assertEqual(self.successResultOf(done), ["first", "failed", "third"])

    def test_fails_later(self) -> None:
        """
        What it raises after it has waited is the Deferred's failure.
        """
        waiting = Deferred[None]()

        async def work() -> None:
            await waiting
            raise ZeroDivisionError

        done = run(work())
        waiting.callback(None)
        self.failureResultOf(done, ZeroDivisionError)

    def test_cancelled(self) -> None:
        """
        Cancelling the Deferred cancels what it waits for, and it may clean up.
        """
        cleaned = []

        async def work() -> None:
            try:
                await Deferred[None]()
            finally:
                cleaned.append(True)

        done = run(work())
        done.cancel()
        self.failureResultOf(done, CancelledError)
        self.assertEqual(cleaned, [True])

    def test_context(self) -> None:
        """
        It has a context of its own, from its first step to its last.
        """
        waiting = Deferred[None]()

        async def work() -> str:
            _variable.set("inside")
            await waiting
            return _variable.get()

        done = run(work())
        self.assertEqual(_variable.get(), "outside")
        waiting.callback(None)
        self.assertEqual(self.successResultOf(done), "inside")
        self.assertEqual(_variable.get(), "outside")
