"""
The first bytes of a connection, or of a stream that a server opened within one.
"""

from __future__ import annotations

import enum

BACKCHANNEL = b"backchannel"
"""What a connection begins with that is a yamux session from then on. Nothing is answered to it."""

SIDECHANNEL = b"sidechannel"
"""What a stream begins with that carries the bytes of one call."""

_HTTP2 = b"PRI * HTTP/"


class Opening(enum.Enum):
    """
    What a connection or a stream is for. The value is what it begins with.
    """

    BACKCHANNEL = BACKCHANNEL
    SIDECHANNEL = SIDECHANNEL
    HTTP2 = _HTTP2
    OTHER = b""


LONGEST = max(len(opening.value) for opening in Opening)
"""So many bytes are always enough to decide."""

_WORDS = (Opening.BACKCHANNEL, Opening.SIDECHANNEL, Opening.HTTP2)


def opening(start: bytes) -> Opening | None:
    """
    :param start: the first bytes that came.
    :returns: what begins with them, or ``None`` if more bytes are needed to tell. A word for a place where it has no meaning is
        told as well: :attr:`Opening.SIDECHANNEL` at the start of a connection is as good as :attr:`Opening.OTHER`.
    """
    for known in _WORDS:
        if start.startswith(known.value):
            return known
        if known.value.startswith(start):
            return None
    return Opening.OTHER
