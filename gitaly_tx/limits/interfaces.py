"""
What a limiter promises, and what it is told and tells.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from ..errors import Code, GitalyError

QUEUE_FULL: Final = "max_size"
"""The reason: too many wait already."""

WAITED_TOO_LONG: Final = "max_time"
"""The reason: the turn did not come in time."""

TOO_MANY: Final = "rate"
"""The reason: too much was asked for in too short a time."""

_WORDS: Final = {
    QUEUE_FULL: "maximum queue size reached",
    WAITED_TOO_LONG: "maximum time in concurrency queue reached",
    TOO_MANY: "rate limit reached",
}
"""Gitaly's texts, which its clients compare."""


class LimitReached(GitalyError):
    """
    Somebody is turned away because there is too much to do already.

    :param reason: one of :data:`QUEUE_FULL`, :data:`WAITED_TOO_LONG` and :data:`TOO_MANY`.
    :param retry_after: seconds after which it makes sense to come again; 0 for "whenever you like".
    """

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(_WORDS[reason], Code.RESOURCE_EXHAUSTED, {"limit": reason})
        self.reason = reason
        self.retry_after = retry_after


class IPlace(Interface):
    """
    Somebody's place: first in a line, perhaps, then among those who were let in.
    """

    admitted: Deferred[None] = Attribute(
        "Fires when it is let in; fails with LimitReached if it never is. Cancelling it leaves the line."
    )

    def ahead() -> int:
        """
        How many of the same line come first; 0 for who is next, and for who was let in.
        """

    def leave() -> None:
        """
        Give the place up, so that the next can have it. Safe to repeat.
        """


class ILimiter(Interface):
    """
    Lets some in and makes others wait or go, separately for each key.

    Whoever was let in holds the place until :func:`IPlace.leave`; whoever waits is let in by order of arrival. Keys of which
    nobody holds or wants a place cost nothing.
    """

    def enter(key: str) -> IPlace:
        """
        Ask to be let in.

        :param key: whose turn it is about: a repository, an address.
        """


class IMonitor(Interface):
    """
    Told of what a limiter does.
    """

    def queued() -> None:
        """
        Somebody began to wait, if only for a moment.
        """

    def dequeued() -> None:
        """
        Somebody waits no more, whatever the reason.
        """

    def entered(seconds: float) -> None:
        """
        Somebody was let in.

        :param seconds: how long it took.
        """

    def left() -> None:
        """
        Somebody who was let in has gone.
        """

    def dropped(reason: str) -> None:
        """
        Somebody was turned away.
        """


@frozen
class Pressure:
    """
    The machine has too much to do.

    :param reason: why somebody thinks so.
    :param facts: the figures behind it, for the log.
    """

    reason: str
    facts: dict[str, float]


class IWatcher(Interface):
    """
    Looks at one of the machine's resources.
    """

    name: str = Attribute("What the log and the metrics call it.")

    def poll() -> Awaitable[Pressure | None]:
        """
        Look.

        :returns: ``None`` if all is well, or if nothing can be known here.
        :raises OSError: or ValueError, if what can be known usually cannot be read now.
        """


__all__ = [
    "QUEUE_FULL",
    "TOO_MANY",
    "WAITED_TOO_LONG",
    "ILimiter",
    "IMonitor",
    "IPlace",
    "IWatcher",
    "LimitReached",
    "Pressure",
]
