"""
So many in a time for each key; the others are turned away at once.
"""

from __future__ import annotations

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from .interfaces import TOO_MANY, ILimiter, IMonitor, IPlace, LimitReached
from .monitor import Unmonitored

FORGET_AFTER = 10
"""A key that was not seen for so many intervals, times its burst, has a full bucket again, and is forgotten."""


@implementer(ILimiter)
class RateLimiter:
    """
    A token bucket for each key: it begins full, each entry takes one token, and one comes back every interval.

    :param interval: seconds.
    :param burst: tokens in a full bucket.
    """

    def __init__(self, clock: IReactorTime, interval: float, burst: int, monitor: IMonitor | None = None) -> None:
        self._clock = clock
        self._interval = interval
        self._burst = burst
        self._monitor = Unmonitored() if monitor is None else monitor
        self._buckets: dict[str, _Bucket] = {}
        self._swept = clock.seconds()

    def enter(self, key: str) -> IPlace:
        """
        Take a token.
        """
        now = self._clock.seconds()
        self._sweep(now)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(float(self._burst), now)
        bucket.tokens = min(float(self._burst), bucket.tokens + (now - bucket.filled) / self._interval)
        bucket.filled = now
        if bucket.tokens < 1:
            self._monitor.dropped(TOO_MANY)
            return _Passed(fail(LimitReached(TOO_MANY, (1 - bucket.tokens) * self._interval)))
        bucket.tokens -= 1
        return _Passed(succeed(None))

    @property
    def keys(self) -> int:
        """
        How many keys are remembered.
        """
        return len(self._buckets)

    def _sweep(self, now: float) -> None:
        age = FORGET_AFTER * self._interval * max(1, self._burst)
        if now - self._swept < age:
            return
        self._swept = now
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if now - bucket.filled < age}


@define(eq=False)
class _Bucket:
    """
    :param tokens: how many there were.
    :param filled: when.
    """

    tokens: float
    filled: float


@implementer(IPlace)
@define(eq=False)
class _Passed:
    """
    Nobody holds a place here.
    """

    admitted: Deferred[None] = field()

    def ahead(self) -> int:
        """
        There is no line.
        """
        return 0

    def leave(self) -> None:
        """
        There is nothing to give up.
        """
