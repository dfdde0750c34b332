"""
Text in double quotes, as git writes odd names (``quote.c``).
"""

from __future__ import annotations

import re

_QUOTED = re.compile(rb'"((?:[^"\\]|\\(?:[abfnrtv\\"]|[0-3][0-7]{2}))*)"', re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:([0-3][0-7]{2})|(.))", re.DOTALL)

_LETTERS = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
    b"\\": b"\\",
    b'"': b'"',
}


def unquoted(text: bytes) -> tuple[bytes, bytes] | None:
    """
    :param text: begins with what is quoted.
    :returns: what was quoted, and what stands behind it; ``None`` if it is not quoted as git does it.
    """
    found = _QUOTED.match(text)
    if found is None:
        return None
    return _ESCAPE.sub(_meant, found[1]), text[found.end() :]


def _meant(escape: re.Match[bytes]) -> bytes:
    return bytes([int(escape[1], 8)]) if escape[1] else _LETTERS[escape[2]]
