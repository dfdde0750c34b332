"""
git's own glob patterns (``wildmatch.c``), which are the caller's and matched against many names.

A pattern becomes a regular expression whose groups are atomic: what a star has once taken is never tried in another way, so
matching takes time in proportion to the length of the name times that of the pattern, whatever the caller invents. That is right
because a star that takes as little as possible leaves the most to the rest of its path component, and only the piece after the
last star of a component is bound to the component's end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

SPECIAL = re.compile(rb"[*?\[\\]")
"""What makes a pattern more than a name."""

Matches = Callable[[bytes], object]
"""Whether a name matches: something true, or ``None``."""

_SLASH = b"/"
# No regular expression for one byte looks like these.
_STAR = b"*"
_STARS = b"**"

_CLASSES = {
    b"alnum": rb"0-9A-Za-z",
    b"alpha": rb"A-Za-z",
    b"blank": rb" \t",
    b"cntrl": rb"\x00-\x1f\x7f",
    b"digit": rb"0-9",
    b"graph": rb"!-~",
    b"lower": rb"a-z",
    b"print": rb" -~",
    b"punct": rb"!-/:-@\[-`{-~",
    b"space": rb" \t-\r",
    b"upper": rb"A-Z",
    b"xdigit": rb"0-9A-Fa-f",
}


class _Malformed(Exception):
    """
    The pattern matches nothing.
    """


def compiled(pattern: bytes, *, components: bool) -> Matches:
    """
    Prepare a pattern.

    :param components: stars, ``?`` and brackets do not match slashes, but for ``**`` as a whole path component (git's
        ``WM_PATHNAME``). Otherwise they match anything.
    """
    try:
        if components:
            expression = _by_component(list(_tokens(pattern, b"[^/]", b"(?!/)")))
        else:
            expression = _piecewise(list(_tokens(pattern, b".", b"")), b".")
    except _Malformed:
        return _nothing
    return re.compile(expression, re.DOTALL).fullmatch


def _nothing(name: bytes) -> None:
    return None


def _tokens(pattern: bytes, any: bytes, before_bracket: bytes) -> Iterator[bytes]:
    """
    Stars, and regular expressions for one byte each.
    """
    position = 0
    while position < len(pattern):
        byte = pattern[position : position + 1]
        position += 1
        if byte == b"*":
            start = position
            while pattern[position : position + 1] == b"*":
                position += 1
            yield _STAR if position == start else _STARS
        elif byte == b"?":
            yield any
        elif byte == b"[":
            expression, position = _bracket(pattern, position)
            yield before_bracket + expression
        elif byte == b"\\":
            byte = pattern[position : position + 1]
            position += 1
            if not byte:
                raise _Malformed
            yield re.escape(byte)
        else:
            yield re.escape(byte)


def _by_component(tokens: list[bytes]) -> bytes:
    """
    A regular expression for names that match component by component.

    The components between two ``**`` match at the first place where they can: they are so many whole components, and what ends
    earlier leaves more for the next ``**``.
    """
    components: list[list[bytes]] = [[]]
    for token in tokens:
        if token == _SLASH:
            components.append([])
        else:
            components[-1].append(token)
    runs: list[list[bytes]] = [[]]
    for component in components:
        if component == [_STARS]:
            runs.append([])
        else:
            runs[-1].append(_piecewise(component, b"[^/]"))
    first, *others = (b"/".join(run) for run in runs)
    if not others:
        return first
    last_is_anything = components[-1] == [_STARS]
    made = bytearray(first + b"/" if runs[0] else b"")
    for number, run in enumerate(others, 1):
        if number < len(others):
            made += b"(?>(?:.*?/)??%s)" % (run + b"/" if runs[number] else b"")
        else:
            made += b".*" if last_is_anything else b"(?:.*?/)??" + run
    return bytes(made)


def _piecewise(tokens: list[bytes], any: bytes) -> bytes:
    """
    A regular expression for what has only ordinary stars in it, all of them alike.
    """
    pieces = [b""]
    for token in tokens:
        if token in (_STAR, _STARS):
            pieces.append(b"")
        else:
            pieces[-1] += token
    first, *others = pieces
    if not others:
        return first
    *middle, last = others
    return first + b"".join(b"(?>%s*?%s)" % (any, piece) for piece in middle) + any + b"*" + last


def _bracket(pattern: bytes, position: int) -> tuple[bytes, int]:
    """
    :param position: after the opening bracket.
    :returns: a regular expression for one byte, and the position after the closing bracket.
    """
    negated = pattern[position : position + 1] in (b"!", b"^")
    position += negated
    members = bytearray()
    previous = -1
    first = True
    while first or pattern[position : position + 1] != b"]":
        first = False
        if position >= len(pattern):
            raise _Malformed
        byte = pattern[position]
        end = pattern.find(b"]", position + 2) if pattern[position : position + 2] == b"[:" else -1
        if pattern[position : position + 2] == b"[:" and end < 0:
            raise _Malformed
        if byte == 0x2D and previous >= 0 and pattern[position + 1 : position + 2] not in (b"", b"]"):
            position += 1
            if pattern[position] == 0x5C:
                position += 1
                if position >= len(pattern):
                    raise _Malformed
            if pattern[position] >= previous:
                members += b"\\x%02x-\\x%02x" % (previous, pattern[position])
            previous = -1
        elif end > position + 2 and pattern[end - 1 : end] == b":":
            name = _CLASSES.get(pattern[position + 2 : end - 1])
            if name is None:
                raise _Malformed
            members += name
            position = end
            previous = -1
        else:
            if byte == 0x5C:
                position += 1
                if position >= len(pattern):
                    raise _Malformed
                byte = pattern[position]
            members += b"\\x%02x" % byte
            previous = byte
        position += 1
    if not negated:
        return (b"[%s]" % members if members else b"(?!)"), position + 1
    return (b"[^%s]" % members if members else b"."), position + 1
