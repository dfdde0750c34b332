"""
So many at once for each key; the others stand in line.
"""

from __future__ import annotations

from collections import deque

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from .interfaces import QUEUE_FULL, WAITED_TOO_LONG, ILimiter, IMonitor, IPlace, LimitReached
from .limit import Limit
from .monitor import Unmonitored


@implementer(ILimiter)
class ConcurrencyLimiter:
    """
    :param limit: how many are let in for each key.
    :param longest: how many may wait for each key; 0 for any number.
    :param patience: how many seconds somebody may wait; 0 for as long as it takes.
    :param monitor: told of everything.
    """

    def __init__(
        self, clock: IReactorTime, limit: Limit, longest: int = 0, patience: float = 0.0, monitor: IMonitor | None = None
    ) -> None:
        self._clock = clock
        self._limit = limit
        self._longest = longest
        self._patience = patience
        self._monitor = Unmonitored() if monitor is None else monitor
        self._lines: dict[str, _Line] = {}
        limit.watch(self._limit_changed)

    def enter(self, key: str) -> IPlace:
        """
        Ask to be let in.
        """
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line()
        place = _Place(self, key, line, self._clock.seconds())
        self._monitor.queued()
        if self._room(line) and not line.waiting:
            self._admit(line, place)
        elif self._longest and len(line.waiting) >= self._longest:
            self._turn_away(place, QUEUE_FULL)
        else:
            line.waiting.append(place)
            if self._patience:
                place.timer = self._clock.callLater(self._patience, self._lose_patience, place)
        return place

    def inside(self, key: str) -> int:
        """
        How many were let in and have not left.
        """
        line = self._lines.get(key)
        return 0 if line is None else line.inside

    def waiting(self, key: str) -> int:
        """
        How many wait.
        """
        line = self._lines.get(key)
        return 0 if line is None else len(line.waiting)

    @property
    def keys(self) -> int:
        """
        How many keys somebody holds or wants a place of.
        """
        return len(self._lines)

    def leave(self, place: _Place) -> None:
        """
        For places.
        """
        line = place.line
        line.inside -= 1
        self._monitor.left()
        self._let_in(line)
        self._forget(place)

    def withdraw(self, place: _Place) -> None:
        """
        For places: somebody does not want to wait any more.
        """
        place.line.waiting.remove(place)
        self._out_of_line(place)
        self._forget(place)

    def _room(self, line: _Line) -> bool:
        return not self._limit.current or line.inside < self._limit.current

    def _admit(self, line: _Line, place: _Place) -> None:
        line.inside += 1
        place.holds = True
        self._out_of_line(place)
        self._monitor.entered(self._clock.seconds() - place.came)
        place.admitted.callback(None)

    def _let_in(self, line: _Line) -> None:
        if line.moving:
            # Whoever was let in a moment ago has left already; the loop below goes on with the next.
            return
        line.moving = True
        try:
            while line.waiting and self._room(line):
                self._admit(line, line.waiting.popleft())
        finally:
            line.moving = False

    def _lose_patience(self, place: _Place) -> None:
        place.timer = None
        place.line.waiting.remove(place)
        self._turn_away(place, WAITED_TOO_LONG)

    def _turn_away(self, place: _Place, reason: str) -> None:
        self._out_of_line(place)
        self._monitor.dropped(reason)
        self._forget(place)
        place.admitted.errback(LimitReached(reason))

    def _out_of_line(self, place: _Place) -> None:
        timer, place.timer = place.timer, None
        if timer is not None:
            timer.cancel()
        self._monitor.dequeued()

    def _forget(self, place: _Place) -> None:
        if not place.line.inside and not place.line.waiting and self._lines.get(place.key) is place.line:
            del self._lines[place.key]

    def _limit_changed(self) -> None:
        for line in list(self._lines.values()):
            self._let_in(line)


@define(eq=False)
class _Line:
    """
    Those of one key.
    """

    inside: int = 0
    moving: bool = False
    waiting: deque[_Place] = field(factory=deque)


@implementer(IPlace)
@define(eq=False)
class _Place:
    """
    One of them.
    """

    limiter: ConcurrencyLimiter
    key: str
    line: _Line
    came: float
    holds: bool = False
    timer: IDelayedCall | None = None
    admitted: Deferred[None] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.admitted = Deferred(lambda _: self.limiter.withdraw(self))

    def ahead(self) -> int:
        """
        How many come first.
        """
        try:
            return self.line.waiting.index(self)
        except ValueError:
            return 0

    def leave(self) -> None:
        """
        Make room.
        """
        if self.holds:
            self.holds = False
            self.limiter.leave(self)
