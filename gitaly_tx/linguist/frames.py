"""
Questions and answers between the server and its linguist: JSON, with the length before it.

File names and contents are bytes; in JSON they are strings with a character for each byte.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Final

_LENGTH: Final = struct.Struct(">I")

LONGEST: Final = 64 << 20
"""Bytes of one frame."""


def framed(content: Any) -> bytes:
    """
    :raises ValueError: for a frame that is too long.
    """
    data = json.dumps(content, separators=(",", ":")).encode("ascii")
    if len(data) > LONGEST:
        raise ValueError("frame too long")
    return _LENGTH.pack(len(data)) + data


def unframed(buffer: bytearray) -> Any | None:
    """
    Take a frame from the beginning of a buffer, if a whole one is there. A frame is never ``null``.

    :raises ValueError: for what is no frame.
    """
    if len(buffer) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack_from(buffer)
    if length > LONGEST:
        raise ValueError("frame too long")
    end = _LENGTH.size + length
    if len(buffer) < end:
        return None
    content = json.loads(bytes(buffer[_LENGTH.size : end]))
    del buffer[:end]
    return content


def as_text(data: bytes) -> str:
    """
    Bytes for a frame.
    """
    return data.decode("latin-1")


def as_bytes(text: str) -> bytes:
    """
    Bytes from a frame.
    """
    return text.encode("latin-1")
