"""
Work that is carried through.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.hooks.detached import Detached


class DetachedTests(SynchronousTestCase):
    """
    ``Detached``.
    """

    def setUp(self) -> None:
        self.detached = Detached("thing")
        self.gate: Deferred[int] = Deferred()

    async def work(self) -> int:
        """
        Wait for the gate.
        """
        return await self.gate

    def test_result(self) -> None:
        """
        Whoever waits gets the result, or the error.
        """
        waiting = self.detached.run(self.work())
        self.assertNoResult(waiting)
        self.gate.callback(3)
        self.assertEqual(self.successResultOf(waiting), 3)
        self.gate = Deferred()
        waiting = self.detached.run(self.work())
        self.gate.errback(ValueError())
        self.failureResultOf(waiting, ValueError)

    def test_cancelled(self) -> None:
        """
        Whoever stops waiting does not stop the work; settling waits for it, and its failure is logged.
        """
        waiting = self.detached.run(self.work())
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        settled = self.detached.settle()
        self.assertNoResult(settled)
        self.assertFalse(self.gate.called)
        self.gate.errback(ValueError())
        self.successResultOf(settled)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.successResultOf(self.detached.settle())
