"""
The signatures of tag objects.
"""

from __future__ import annotations

_BLOCK = b"-----BEGIN"


def split_signature(data: bytes) -> tuple[bytes, bytes]:
    """
    A tag's content, cut in two where its signature begins.

    :returns: what was signed, and the signature without its last newline; empty if there is none.
    """
    start = data.find(_BLOCK)
    if start < 0:
        return data, b""
    return data[:start], data[start:].removesuffix(b"\n")
