"""
What a yamux session tells its owner.
"""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen


@frozen
class StreamOpened:
    """
    The peer opened a stream, and waits for us to accept or reset it. It may send data at once.
    """

    stream_id: int


@frozen
class StreamAccepted:
    """
    The peer accepted a stream that we opened.
    """

    stream_id: int


@frozen
class DataReceived:
    """
    :param data: the bytes, where the network happened to cut them; never none. The peer may send as many again only after
        ``consumed``.
    """

    stream_id: int
    data: bytes


@frozen
class WindowOpened:
    """
    The peer takes more.

    :param window: how many bytes it takes now.
    """

    stream_id: int
    window: int


@frozen
class HalfClosed:
    """
    The peer will send no more data.
    """

    stream_id: int


@frozen
class StreamClosed:
    """
    Both sides have said that they send no more: there is no such stream any more.
    """

    stream_id: int


@frozen
class StreamReset:
    """
    The peer broke the stream off, or does not take it at all: there is no such stream any more.
    """

    stream_id: int


@frozen
class PingAnswered:
    """
    The peer is there.

    :param value: which ping it answers.
    """

    value: int


@frozen
class GoneAway:
    """
    The peer takes no new streams; unless ``code`` is 0, the session is over, and the connection should be closed.

    :param code: why: see :class:`~protocols.yamux.errors.GoAwayCode`. It may be none of those.
    """

    code: int


Event: TypeAlias = (
    StreamOpened
    | StreamAccepted
    | DataReceived
    | WindowOpened
    | HalfClosed
    | StreamClosed
    | StreamReset
    | PingAnswered
    | GoneAway
)
