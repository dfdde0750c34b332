"""
What every limiter does.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code
from gitaly_tx.limits.interfaces import ILimiter, IPlace, LimitReached


class LimiterContract(SynchronousTestCase):
    """
    The contract of :class:`ILimiter`.
    """

    def make_limiter(self, count: int) -> ILimiter:
        """
        One that lets so many in at once for each key, and at least one more wait or be refused.
        """
        raise NotImplementedError

    def setUp(self) -> None:
        if type(self) is LimiterContract:
            self.skipTest("abstract")

    def inside(self, limiter: ILimiter, key: str) -> IPlace:
        """
        Somebody who is let in at once.
        """
        place = limiter.enter(key)
        verifyObject(IPlace, place)
        self.successResultOf(place.admitted)
        self.assertEqual(place.ahead(), 0)
        return place

    def assertOutside(self, place: IPlace) -> None:
        """
        Somebody is not let in now: waits, or is refused in Gitaly's words.
        """
        if not place.admitted.called:
            self.assertNoResult(place.admitted)
            place.admitted.addErrback(lambda _: None)
            place.admitted.cancel()
            return
        error = self.failureResultOf(place.admitted, LimitReached).value
        self.assertEqual(error.code, Code.RESOURCE_EXHAUSTED)
        self.assertGreaterEqual(error.retry_after, 0)

    def test_provides(self) -> None:
        """
        It is a limiter.
        """
        verifyObject(ILimiter, self.make_limiter(1))

    def test_so_many(self) -> None:
        """
        As many as may are let in, and no more.
        """
        for count in (1, 2, 5):
            limiter = self.make_limiter(count)
            for _ in range(count):
                self.inside(limiter, "a")
            self.assertOutside(limiter.enter("a"))

    def test_keys(self) -> None:
        """
        One key does not know of another.
        """
        limiter = self.make_limiter(1)
        self.inside(limiter, "a")
        self.assertOutside(limiter.enter("a"))
        self.inside(limiter, "b")

    def test_leaving(self) -> None:
        """
        Leaving can be repeated, also by those who were never let in, and gives nobody more than one place.
        """
        limiter = self.make_limiter(1)
        place = self.inside(limiter, "a")
        outside = limiter.enter("a")
        self.assertOutside(outside)
        outside.leave()
        self.assertOutside(limiter.enter("a"))
        place.leave()
        place.leave()
