"""
What a yamux peer can get wrong, and what a session cannot do for its owner.
"""

from __future__ import annotations

import enum
from typing import Any, ClassVar

from attrs import define, fields


class GoAwayCode(enum.IntEnum):
    """
    Why a side ends a session.
    """

    NORMAL = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2


@define(slots=False)
class YamuxError(Exception):
    """
    Something that yamux does not allow.

    The text is constant; what varies is in the fields.

    :cvar code: what the peer is told when the session ends because of this; ``None`` if it does not end.
    """

    message: ClassVar[str] = "yamux error"
    code: ClassVar[GoAwayCode | None] = None

    def __str__(self) -> str:
        return self.message

    @property
    def facts(self) -> dict[str, Any]:
        """
        The fields, for the log.
        """
        return {field.name: getattr(self, field.name) for field in fields(type(self))}


@define(slots=False)
class ProtocolViolation(YamuxError):
    """
    The peer did what it must not. The session is over.
    """

    message = "yamux protocol violation"
    code = GoAwayCode.PROTOCOL_ERROR


@define(slots=False)
class UnknownVersion(ProtocolViolation):
    """
    A frame is of another version of the protocol, or this is not yamux.
    """

    message = "unknown yamux version"

    version: int


@define(slots=False)
class UnknownFrameType(ProtocolViolation):
    """
    A frame is none of the four kinds.
    """

    message = "unknown frame type"

    frame_type: int


@define(slots=False)
class InvalidStreamID(ProtocolViolation):
    """
    The peer opens a stream whose number is not its to give, or uses stream 0, which is the session.
    """

    message = "stream id not the peer's"

    stream_id: int


@define(slots=False)
class DuplicateStream(ProtocolViolation):
    """
    The peer opens a stream whose number it has used before.
    """

    message = "stream opened twice"

    stream_id: int


@define(slots=False)
class TooManySkipped(ProtocolViolation):
    """
    The peer leaves out so many numbers that we would have to remember too much to recognise a duplicate.
    """

    message = "too many stream ids left out"

    stream_id: int


@define(slots=False)
class UnexpectedOnStream(ProtocolViolation):
    """
    A frame has no meaning in the state that its stream is in, such as a second end.

    :param state: that state's name.
    :param cause: what came.
    """

    message = "unexpected frame on a stream"

    stream_id: int
    state: str
    cause: str


@define(slots=False)
class ReceiveWindowExceeded(ProtocolViolation):
    """
    The peer sends more than it was allowed to.

    :param window: how many bytes it might have sent.
    :param length: how many it sends.
    """

    message = "receive window exceeded"

    window: int
    length: int


@define(slots=False)
class SendWindowOverflow(ProtocolViolation):
    """
    The peer allows us more bytes than a window can be wide.
    """

    message = "send window overflow"

    window: int
    delta: int


@define(slots=False)
class FrameTooLarge(ProtocolViolation):
    """
    A frame for a stream that is no more has more bytes than any stream's window.
    """

    message = "frame too large"

    length: int
    maximum: int


@define(slots=False)
class AnswersNotRead(ProtocolViolation):
    """
    The peer asks on and on, with pings or streams that are refused, and our answers do not go out.
    """

    message = "too many unread answers"

    waiting: int


@define(slots=False)
class Refused(YamuxError):
    """
    What the session's owner asks for cannot be done. The session goes on as it was.
    """

    message = "not possible in this session"


@define(slots=False)
class SessionEnded(Refused):
    """
    The session is over.
    """

    message = "session shutdown"


@define(slots=False)
class PeerGoneAway(Refused):
    """
    The peer takes no new streams any more.
    """

    message = "remote end is not accepting connections"


@define(slots=False)
class StreamsExhausted(Refused):
    """
    All numbers for streams have been used.
    """

    message = "streams exhausted"


@define(slots=False)
class TooManyStreams(Refused):
    """
    As many streams are open as may be.
    """

    message = "too many open streams"

    maximum: int


@define(slots=False)
class StreamNotOpen(Refused):
    """
    The stream is no more, or is closed in our direction, or is not the peer's to be accepted.
    """

    message = "stream closed"

    stream_id: int
