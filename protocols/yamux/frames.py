"""
yamux frames: 12 bytes of header, big-endian, and the bytes of a data frame.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator

from attrs import frozen

from .errors import UnknownFrameType, UnknownVersion

VERSION = 0

SYN = 1
"""Opens a stream; asks, in a ping."""

ACK = 2
"""Accepts a stream; answers, in a ping."""

FIN = 4
"""The last frame with data of this side."""

RST = 8
"""Breaks a stream off."""

_HEADER = struct.Struct(">BBHII")

HEADER_SIZE = _HEADER.size


class FrameType(enum.IntEnum):
    """
    What a frame is, and what its length means.
    """

    DATA = 0
    """As many bytes follow."""
    WINDOW_UPDATE = 1
    """As many bytes more may be sent."""
    PING = 2
    """A value to be repeated in the answer."""
    GO_AWAY = 3
    """Why."""


_TYPES = tuple(FrameType)


@frozen
class Frame:
    """
    A header.

    :param flags: :data:`SYN`, :data:`ACK`, :data:`FIN`, :data:`RST`; others mean nothing.
    :param stream_id: 0 in pings and go-aways.
    """

    frame_type: FrameType
    flags: int
    stream_id: int
    length: int

    def encode(self) -> bytes:
        """
        The header as it goes over the wire.
        """
        return _HEADER.pack(VERSION, self.frame_type, self.flags, self.stream_id, self.length)

    @classmethod
    def decode(cls, header: bytes) -> Frame:
        """
        :param header: exactly :data:`HEADER_SIZE` bytes.
        :raises UnknownVersion:
        :raises UnknownFrameType:
        """
        version, frame_type, flags, stream_id, length = _HEADER.unpack(header)
        if version != VERSION:
            raise UnknownVersion(version)
        if frame_type >= len(_TYPES):
            raise UnknownFrameType(frame_type)
        return cls(_TYPES[frame_type], flags, stream_id, length)


@frozen
class Payload:
    """
    Some bytes of the data frame whose header came last.

    :param data: the bytes; never none.
    :param ends: whether they are its last.
    """

    data: bytes
    ends: bool


class FrameDecoder:
    """
    Takes bytes, however they are cut, and yields headers, each followed by its data in one or more pieces.

    Holds no more than a part of a header. An error is final: feed nothing after it.
    """

    def __init__(self) -> None:
        self._header = b""
        self._left = 0

    def receive(self, data: bytes) -> Iterator[Frame | Payload]:
        """
        :returns: what is in ``data``, read while iterating; iterate to the end before the next call.
        :raises UnknownVersion:
        :raises UnknownFrameType:
        """
        at = 0
        while at < len(data):
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                yield Payload(piece, not self._left)
                continue
            part = data[at : at + HEADER_SIZE - len(self._header)]
            at += len(part)
            self._header += part
            if len(self._header) == HEADER_SIZE:
                frame = Frame.decode(self._header)
                self._header = b""
                self._left = frame.length if frame.frame_type is FrameType.DATA else 0
                yield frame
