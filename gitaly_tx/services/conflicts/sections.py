"""
A file with conflict markers, taken apart, and put together again as somebody decided.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import frozen

LIMIT: Final = 200 << 10
"""Bytes; a file of as many is not taken apart."""

_MIDDLE: Final = b"======="


class NotParsed(Exception):
    """
    The file is none that can be taken apart.
    """


class NotResolved(Exception):
    """
    Nobody decided about a section.

    :param section: its id.
    """

    def __init__(self, section: bytes) -> None:
        super().__init__(f"Missing resolution for section ID: {section.decode('utf-8', 'replace')}")


class Side(enum.Enum):
    """
    Whose lines they are. The value is the choice that keeps them.
    """

    BOTH = b""
    OURS = b"head"
    THEIRS = b"origin"


@frozen
class Line:
    """
    :param text: without its newline.
    :param old: the number that it has in their file, or would have.
    :param new: the same for ours.
    """

    text: bytes
    side: Side
    old: int
    new: int


def parse(content: bytes, ours: bytes, theirs: bytes) -> list[Line]:
    """
    :param ours: what stands beside the first marker of a conflict.
    :param theirs: what stands beside the last.
    :raises NotParsed: if the file is empty or too large, or its markers are in disorder.
    """
    if not content or len(content) >= LIMIT:
        raise NotParsed("merging is not supported for file")
    return list(_lines(content, b"<<<<<<< " + ours, b">>>>>>> " + theirs))


def _lines(content: bytes, start: bytes, end: bytes) -> Iterator[Line]:
    follows = {start: (Side.BOTH, Side.OURS), _MIDDLE: (Side.OURS, Side.THEIRS), end: (Side.THEIRS, Side.BOTH)}
    side = Side.BOTH
    old = new = 1
    for text in content.removesuffix(b"\n").split(b"\n"):
        if text in follows:
            before, after = follows[text]
            if side is not before:
                raise NotParsed("unexpected conflict delimiter")
            side = after
            continue
        yield Line(text, side, old, new)
        old += side is not Side.OURS
        new += side is not Side.THEIRS
    if side is not Side.BOTH:
        raise NotParsed("missing last delimiter")


def resolved(lines: list[Line], path: bytes, choices: Mapping[bytes, bytes]) -> bytes:
    """
    The lines that were chosen, with newlines between them.

    :param path: of the file; section ids are made of it.
    :param choices: by section id.
    :raises NotResolved: if one is missing, or is none.
    """
    prefix = hashlib.sha1(path, usedforsecurity=False).hexdigest().encode()
    chosen: list[bytes] = []
    section = b""
    for line in lines:
        if line.side is Side.BOTH:
            section = b""
            chosen.append(line.text)
            continue
        section = section or b"%b_%d_%d" % (prefix, line.old, line.new)
        choice = choices.get(section)
        if choice not in (Side.OURS.value, Side.THEIRS.value):
            raise NotResolved(section)
        if choice == line.side.value:
            chosen.append(line.text)
    return b"\n".join(chosen)


__all__ = ["LIMIT", "Line", "NotParsed", "NotResolved", "Side", "parse", "resolved"]
