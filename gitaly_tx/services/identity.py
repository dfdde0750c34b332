"""
Who a request's user is, as commits and tags have it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp

from protocols.gitaly.shared_pb2 import User

from ..errors import Code, GitalyError
from ..git.commits import LAST_SECOND, Ident
from ..wal.threads import InThread

Now = Callable[[], float]
"""Tells the time, in seconds since 1970."""

_DELIMITERS: Final = b"\n<>"
_DAY: Final = 86400
_NONE: Final = timedelta()


class ByUser(Protocol):
    """
    A request that somebody makes on a user's behalf.
    """

    @property
    def user(self) -> User:
        """
        The user.
        """

    @property
    def timestamp(self) -> Timestamp:
        """
        When they did it.
        """

    def HasField(self, field_name: str, /) -> bool:
        """
        Whether a field is set.
        """


async def signature(in_thread: InThread, now: Now, request: ByUser, person: User | None = None) -> Ident:
    """
    The user at the time that a request names, in the user's zone.

    :param now: the time, if the request names none.
    :param person: somebody else than the request's user.
    :raises GitalyError: INVALID_ARGUMENT ``unknown time zone X``.
    """
    user = request.user if person is None else person
    seconds = request.timestamp.seconds if request.HasField("timestamp") else int(now())
    return Ident(cleaned(user.name), cleaned(user.email), seconds, await zone(in_thread, user.timezone, seconds))


async def zone(in_thread: InThread, name: str, seconds: int) -> bytes:
    """
    How far a zone is from UTC at a time, as git writes it: ``+0530``.

    :param name: as the IANA has it: ``Asia/Kolkata``; UTC if it is empty.
    :raises GitalyError: INVALID_ARGUMENT ``unknown time zone X``, ``invalid timestamp``.
    """
    if not 0 <= seconds <= LAST_SECOND:
        raise GitalyError("invalid timestamp", Code.INVALID_ARGUMENT, {"seconds": seconds})
    if name in ("", "UTC"):
        return b"+0000"
    found = await in_thread(_zone, name)
    # The last day of the calendar is over a day early in some zones.
    moment = datetime.fromtimestamp(min(seconds, LAST_SECOND - _DAY), UTC).astimezone(found)
    total = round((moment.utcoffset() or _NONE).total_seconds())
    minutes = abs(total) // 60
    return b"%c%02d%02d" % (b"-" if total < 0 else b"+", minutes // 60, minutes % 60)


def cleaned(text: bytes) -> bytes:
    """
    A name or an address without what would break the line that it stands in.
    """
    return text.translate(None, _DELIMITERS)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise GitalyError(f"unknown time zone {name}", Code.INVALID_ARGUMENT) from error


__all__ = ["ByUser", "Now", "cleaned", "signature", "zone"]
