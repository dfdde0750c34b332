"""
Tests for :mod:`gitaly_tx.limits.concurrency` and :mod:`gitaly_tx.limits.limit`.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from gitaly_tx.limits.concurrency import ConcurrencyLimiter
from gitaly_tx.limits.interfaces import ILimiter, IMonitor, IPlace, LimitReached
from gitaly_tx.limits.limit import Limit
from tests.contracts import limiter


@implementer(IMonitor)
class Notes:
    """
    Remembers what it was told.
    """

    def __init__(self) -> None:
        self.waiting = 0
        self.inside = 0
        self.seconds: list[float] = []
        self.reasons: list[str] = []

    def queued(self) -> None:
        self.waiting += 1

    def dequeued(self) -> None:
        self.waiting -= 1

    def entered(self, seconds: float) -> None:
        self.inside += 1
        self.seconds.append(seconds)

    def left(self) -> None:
        self.inside -= 1

    def dropped(self, reason: str) -> None:
        self.reasons.append(reason)


def _leave(_: None, place: IPlace) -> None:
    place.leave()


class ConcurrencyLimiterTests(limiter.LimiterContract):
    """
    ``ConcurrencyLimiter`` keeps the contract, and lets those in line in by order of arrival.
    """

    def make_limiter(self, count: int) -> ILimiter:
        return self.make(count)

    def make(self, count: int, longest: int = 0, patience: float = 0.0) -> ConcurrencyLimiter:
        self.clock = Clock()
        self.notes = Notes()
        self.limit = Limit("test", count)
        return ConcurrencyLimiter(self.clock, self.limit, longest, patience, self.notes)

    def test_order(self) -> None:
        """
        Whoever came first is let in first, as soon as somebody leaves; each knows how many are ahead.
        """
        made = self.make(1)
        first = self.inside(made, "a")
        second, third = made.enter("a"), made.enter("a")
        self.assertEqual((second.ahead(), third.ahead(), made.waiting("a"), made.inside("a")), (0, 1, 2, 1))
        self.clock.advance(3)
        first.leave()
        self.successResultOf(second.admitted)
        self.assertNoResult(third.admitted)
        self.assertEqual(third.ahead(), 0)
        second.leave()
        self.successResultOf(third.admitted)
        self.assertEqual(self.notes.seconds, [0, 3, 3])
        third.leave()
        self.assertEqual((self.notes.waiting, self.notes.inside, made.keys), (0, 0, 0))

    def test_no_overtaking(self) -> None:
        """
        Room that comes with a larger limit goes to those who wait, not to who comes next.
        """
        made = self.make(1)
        self.limit.maximum = 9
        self.inside(made, "a")
        second, third = made.enter("a"), made.enter("a")
        self.limit.change(2)
        self.successResultOf(second.admitted)
        fourth = made.enter("a")
        self.limit.change(4)
        self.successResultOf(third.admitted)
        self.successResultOf(fourth.admitted)

    def test_shrinking(self) -> None:
        """
        A limit that shrinks drives nobody out; the next is let in when there is room again.
        """
        made = self.make(3)
        self.limit.minimum = 1
        places = [self.inside(made, "a") for _ in range(3)]
        self.limit.change(1)
        waiting = made.enter("a")
        places[0].leave()
        places[1].leave()
        self.assertNoResult(waiting.admitted)
        places[2].leave()
        self.successResultOf(waiting.admitted)

    def test_queue_size(self) -> None:
        """
        With a queue of a certain size, whoever comes when it is full is refused at once.
        """
        made = self.make(1, longest=2)
        first = self.inside(made, "a")
        waiting = [made.enter("a") for _ in range(2)]
        refused = made.enter("a")
        error = self.failureResultOf(refused.admitted, LimitReached).value
        self.assertEqual((error.message, error.reason), ("maximum queue size reached", "max_size"))
        self.assertEqual(self.notes.reasons, ["max_size"])
        self.inside(made, "b")
        first.leave()
        self.successResultOf(waiting[0].admitted)
        self.assertNoResult(made.enter("a").admitted)

    def test_queue_wait(self) -> None:
        """
        Whoever waits too long is refused, and the others wait on.
        """
        made = self.make(1, patience=10)
        first = self.inside(made, "a")
        second = made.enter("a")
        self.clock.advance(4)
        third = made.enter("a")
        self.clock.advance(5.9)
        self.assertNoResult(second.admitted)
        self.clock.advance(0.1)
        error = self.failureResultOf(second.admitted, LimitReached).value
        self.assertEqual((error.message, error.reason), ("maximum time in concurrency queue reached", "max_time"))
        self.assertEqual((self.notes.reasons, self.notes.waiting, third.ahead()), (["max_time"], 1, 0))
        first.leave()
        self.successResultOf(third.admitted)
        self.clock.advance(60)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancelled(self) -> None:
        """
        Whoever does not want to wait any more leaves the line, and takes nobody's turn.
        """
        made = self.make(1, patience=10)
        first = self.inside(made, "a")
        second, third = made.enter("a"), made.enter("a")
        second.admitted.cancel()
        self.failureResultOf(second.admitted, CancelledError)
        self.assertEqual((third.ahead(), self.notes.waiting), (0, 1))
        first.leave()
        self.successResultOf(third.admitted)
        third.leave()
        self.assertEqual((made.keys, self.clock.getDelayedCalls(), self.notes.reasons), (0, [], []))

    def test_leaving_at_once(self) -> None:
        """
        A line in which everybody leaves as soon as they are let in, empties.
        """
        made = self.make(1)
        first = self.inside(made, "a")
        places = [made.enter("a") for _ in range(300)]
        for place in places:
            place.admitted.addCallback(_leave, place)
        first.leave()
        self.assertEqual((made.keys, self.notes.inside, self.notes.waiting), (0, 0, 0))

    def test_unlimited(self) -> None:
        """
        A limit of 0 is none.
        """
        made = self.make(0)
        for _ in range(100):
            self.inside(made, "a")
        self.assertEqual((made.inside("a"), made.inside("b"), made.waiting("b")), (100, 0, 0))


class LimitTests(SynchronousTestCase):
    """
    ``Limit``.
    """

    def test_fixed(self) -> None:
        """
        Without bounds it stays what it is.
        """
        limit = Limit("test", 5)
        limit.change(9)
        self.assertEqual((limit.current, limit.adaptive), (5, False))

    def test_bounds(self) -> None:
        """
        It stays within its bounds, and tells of every change.
        """
        limit = Limit("test", 5, 2, 7)
        seen: list[int] = []
        limit.watch(lambda: seen.append(limit.current))
        for wanted in (6, 6, 100, 0, -1):
            limit.change(wanted)
        self.assertEqual((seen, limit.adaptive), ([6, 7, 2], True))
