"""
Tests for :mod:`gitaly_tx.limits.rate`.
"""

from __future__ import annotations

from twisted.internet.task import Clock

from gitaly_tx.limits.interfaces import ILimiter, LimitReached
from gitaly_tx.limits.rate import FORGET_AFTER, RateLimiter
from tests.contracts import limiter

from .test_concurrency import Notes


class RateLimiterTests(limiter.LimiterContract):
    """
    ``RateLimiter`` keeps the contract; nobody ever waits.
    """

    def make_limiter(self, count: int) -> ILimiter:
        return self.make(count)

    def make(self, burst: int, interval: float = 2.0) -> RateLimiter:
        self.clock = Clock()
        self.notes = Notes()
        return RateLimiter(self.clock, interval, burst, self.notes)

    def refused(self, made: RateLimiter) -> LimitReached:
        found: LimitReached = self.failureResultOf(made.enter("a").admitted, LimitReached).value
        return found

    def test_filling(self) -> None:
        """
        Each interval lets one more in, and never more than the burst at once. Whoever is refused learns when to come again.
        """
        made = self.make(2)
        for _ in range(2):
            self.inside(made, "a")
        error = self.refused(made)
        self.assertEqual((error.message, error.reason, error.retry_after), ("rate limit reached", "rate", 2.0))
        self.clock.advance(1.5)
        self.assertEqual(self.refused(made).retry_after, 0.5)
        self.clock.advance(0.5)
        self.inside(made, "a")
        self.refused(made)
        self.clock.advance(100)
        for _ in range(2):
            self.inside(made, "a")
        self.refused(made)
        self.assertEqual(self.notes.reasons, ["rate"] * 4)

    def test_forgetting(self) -> None:
        """
        A key that nobody uses any more costs nothing.
        """
        made = self.make(3)
        for key in ("a", "b"):
            self.inside(made, key)
        self.clock.advance(2.0 * 3 * FORGET_AFTER - 1)
        self.inside(made, "b")
        self.assertEqual(made.keys, 2)
        self.clock.advance(1)
        self.inside(made, "b")
        self.assertEqual(made.keys, 1)
