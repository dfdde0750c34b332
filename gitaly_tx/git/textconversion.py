"""
What git does to a file's content when it is added (``convert.c``), with ``core.autocrlf=input``: line ends become newlines in
what looks like text, and ``$Id: …$`` is cut short where an attribute asks for it. Filters that are programs are not run.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import frozen

from .parse.attributes import State

ATTRIBUTES: Final = (b"text", b"crlf", b"eol", b"ident")
"""The attributes that count."""

_NOT_PRINTABLE: Final = bytes({*range(32), 127} - set(b"\b\t\x1b\f\r\n"))
_IDENT: Final = re.compile(rb"\$Id:[^$\n]*\$")
_END_OF_FILE: Final = b"\x1a"


class Ends(enum.Enum):
    """
    Which carriage returns are taken out.
    """

    NONE = "none"
    GUESSED = "guessed"
    """All, if the content looks like text."""
    PAIRED = "paired"
    """Those before a newline."""


@frozen
class Conversion:
    """
    What is done to a file.
    """

    ends: Ends = Ends.GUESSED
    ident: bool = False


def conversion(states: Mapping[bytes, State]) -> Conversion:
    """
    :param states: the file's attributes; those that are unspecified are missing.
    """
    ends = _ends(states.get(b"text"))
    if ends is None:
        ends = _ends(states.get(b"crlf"))
    if ends is not Ends.NONE and ends is not Ends.GUESSED and states.get(b"eol") in (b"lf", b"crlf"):
        ends = Ends.PAIRED
    return Conversion(Ends.GUESSED if ends is None else ends, states.get(b"ident") is True)


def may_change(data: bytes) -> bool:
    """
    Whether some conversion could change a content, or a piece of one.
    """
    return b"\r" in data or b"$Id" in data


def convert(data: bytes, how: Conversion) -> bytes:
    """
    A content as it is added.
    """
    statistics = Statistics()
    statistics.feed(data)
    return b"".join(converted([data], statistics.taken_out(how.ends), how.ident))


def converted(pieces: Iterable[bytes], ends: Ends, ident: bool) -> Iterator[bytes]:
    """
    The same for a content in pieces.

    :param ends: as :meth:`Statistics.taken_out` says.
    :param ident: then all of the content is in memory at once.
    """
    if ident:
        yield _IDENT.sub(b"$Id$", b"".join(_without(pieces, ends)))
    else:
        yield from _without(pieces, ends)


class Statistics:
    """
    What has to be known of all of a content before the first piece is converted.

    :ivar size: bytes.
    :ivar pairs: carriage returns before newlines.
    :ivar returns: all carriage returns.
    """

    def __init__(self) -> None:
        self.size = 0
        self.pairs = 0
        self.returns = 0
        self._newlines = 0
        self._not_printable = 0
        self._nul = False
        self._last = b""

    def feed(self, piece: bytes) -> None:
        """
        The next piece.
        """
        if not piece:
            return
        self.size += len(piece)
        self.returns += piece.count(b"\r")
        self.pairs += piece.count(b"\r\n") + (self._last == b"\r" and piece.startswith(b"\n"))
        self._newlines += piece.count(b"\n")
        self._not_printable += len(piece) - len(piece.translate(None, _NOT_PRINTABLE))
        self._nul = self._nul or b"\0" in piece
        self._last = piece[-1:]

    def taken_out(self, ends: Ends) -> Ends:
        """
        What a rule means for this content: ``NONE`` if nothing of it is to go.
        """
        if not self.pairs or (ends is Ends.GUESSED and self._binary()):
            return Ends.NONE
        return ends

    def size_without(self, ends: Ends) -> int:
        """
        The size of the converted content.

        :param ends: as :meth:`taken_out` says.
        """
        return self.size if ends is Ends.NONE else self.size - self.pairs

    def _binary(self) -> bool:
        not_printable = self._not_printable - (self._last == _END_OF_FILE)
        printable = self.size - self.returns - self._newlines - self._not_printable
        return self.returns != self.pairs or self._nul or printable >> 7 < not_printable


def _ends(state: State) -> Ends | None:
    if state is True or state == b"input":
        return Ends.PAIRED
    if state is False:
        return Ends.NONE
    return Ends.GUESSED if state == b"auto" else None


def _without(pieces: Iterable[bytes], ends: Ends) -> Iterator[bytes]:
    if ends is Ends.NONE:
        yield from pieces
        return
    held = b""
    for piece in pieces:
        piece = held + piece
        # A newline may follow in the next piece.
        held = b"\r" if piece.endswith(b"\r") else b""
        yield piece[: len(piece) - len(held)].replace(b"\r\n", b"\n")
    yield held


__all__ = ["ATTRIBUTES", "Conversion", "Ends", "Statistics", "conversion", "convert", "converted", "may_change"]
