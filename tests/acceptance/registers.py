"""
What must be there after a crash, from what clients were told before it.

A register is something that is written as a whole: a ref, refs that are only ever pushed together and atomically, or a
repository. Clients attempt to write it, each attempt with a value that no other has, and are told that it was done, that it was
refused, or nothing because the server died. Whatever is found afterwards must be explained by these attempts.
"""

from __future__ import annotations

import enum
import math
import time
from collections.abc import Callable, Hashable

from attrs import define, field


class Outcome(enum.Enum):
    """
    What a client was told.
    """

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@define
class Attempt:
    """
    One write.

    :param began: when the client was started, on a monotonic clock.
    :param ended: when it had ended.
    """

    value: Hashable
    began: float
    ended: float = math.inf
    outcome: Outcome = Outcome.UNKNOWN
    words: str = ""

    def end(self, outcome: Outcome, words: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        """
        The client has ended.

        :param words: what it said, where that matters.
        """
        self.outcome, self.words, self.ended = outcome, words, clock()


@define
class Register:
    """
    Something that is written as a whole.

    :param value: what it held before the attempts.
    :param shared: several clients write it, so one may well be refused.
    """

    name: str
    value: Hashable
    shared: bool = False
    attempts: list[Attempt] = field(factory=list)

    def attempt(self, value: Hashable, clock: Callable[[], float] = time.monotonic) -> Attempt:
        """
        A client begins to write.
        """
        attempt = Attempt(value, clock())
        self.attempts.append(attempt)
        return attempt

    def made_on_the_way(self, value: Hashable, clock: Callable[[], float] = time.monotonic) -> None:
        """
        The attempt that follows may leave another value behind if it does not get to its end.
        """
        now = clock()
        self.attempts.append(Attempt(value, now, now))

    def wrong(self, found: Hashable) -> str | None:
        """
        Why what was found cannot be right; ``None`` if it can.

        It can if it is the value from before or that of an attempt which was not refused, and no acknowledged attempt began after
        that one had ended. (A push names the value that it replaces, so one that the client gave up does not come late.)
        """
        last = max((attempt.began for attempt in self.attempts if attempt.outcome is Outcome.ACKNOWLEDGED), default=-math.inf)
        writers = [attempt for attempt in self.attempts if attempt.value == found]
        ends = [attempt.ended for attempt in writers if attempt.outcome is not Outcome.REFUSED]
        if found == self.value:
            ends.append(-math.inf)
        if any(ended >= last for ended in ends):
            return None
        if ends:
            return self._story(found, "an acknowledged write is lost")
        return self._story(found, "a refused write is there" if writers else "nobody wrote what is there")

    def settle(self, found: Hashable) -> None:
        """
        What was found counts from now on.
        """
        self.value = found
        self.attempts.clear()

    def _story(self, found: Hashable, what: str) -> str:
        lines = [f"{self.name}: {what}", f"  found {found}", f"  before {self.value}"]
        for attempt in self.attempts[-12:]:
            lines.append(f"  {attempt.began:.3f}-{attempt.ended:.3f} {attempt.outcome.value}: {attempt.value} {attempt.words}")
        return "\n".join(lines)
