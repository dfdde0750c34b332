"""
What ``git diff --patch-with-raw -z`` prints: the raw entries of all files, an empty record, and then the patches.

Patches may be as large as files are, so what comes out are pieces, counted by searches in whole pieces and not line by line. What
makes that possible: in a patch every line begins with a space or one of ``+``, ``-``, ``\\``, ``~`` and ``@``, or it is the one
line that says that binary files differ; so a line that begins with ``diff --git`` is always the next file's.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import frozen

from .rawdiff import Change

_BEGINNING = b"diff --git "
_NEXT = b"\n" + _BEGINNING
_BINARY = b"Binary files "
_AFTER_HEADER = re.compile(rb"^(?:@@|%b|%b)" % (_BINARY, _BEGINNING), re.MULTILINE)

LONG_LINE = 4096
"""A line of a patch that is longer, in bytes, may be cut; a shorter one comes as a whole. No hunk's header is as long."""

LONGEST_HEADER = 1 << 20
"""Bytes of one line before a patch, which has at most two paths in it."""


_ESCAPED = re.compile(rb"[\x00-\x1f\x22\x5c\x7f-\xff]")
_NAMED = {7: b"\\a", 8: b"\\b", 9: b"\\t", 10: b"\\n", 11: b"\\v", 12: b"\\f", 13: b"\\r", 34: b'\\"', 92: b"\\\\"}


def header_of(change: Change) -> bytes:
    """
    The line that begins the patch of a change, with the newline; prefixes are ``a/`` and ``b/``, and ``core.quotePath`` is on.
    """
    return b"diff --git %b %b\n" % (quoted_path(b"a/" + change.old_path), quoted_path(b"b/" + change.path))


def quoted_path(path: bytes) -> bytes:
    """
    As git writes a path where quotes and what is not printable, or not ASCII, are escaped.
    """
    escaped = _ESCAPED.sub(_escape, path)
    return path if escaped == path else b'"%b"' % escaped


def _escape(found: re.Match[bytes]) -> bytes:
    number = found[0][0]
    return _NAMED.get(number) or b"\\%03o" % number


@frozen
class RawPart:
    """
    A part of the raw entries, cut anywhere: records with their NULs, without the empty one at the end.
    """

    data: bytes


@frozen
class PatchBegins:
    """
    The patch of a file begins.

    :param header: its first line, ``diff --git "a/old path" b/new``, with the newline.
    """

    header: bytes


@frozen
class PatchPart:
    """
    A part of a patch, from its first hunk's header on: that and lines of the files, or the line that says that they are binary.

    :param lines: how many lines begin in it, hunks' headers aside.
    :param size: of ``data``, without hunks' headers, in bytes.
    :param added: lines that begin with a plus.
    :param removed: lines that begin with a minus.
    """

    data: bytes
    lines: int
    size: int
    added: int
    removed: int
    binary: bool = False


Event = RawPart | PatchBegins | PatchPart


class PatchDecoder:
    """
    Bytes in, events out; however the bytes are cut, the events say the same. Call :meth:`end` when there are no more.
    """

    def __init__(self) -> None:
        self._data = b""
        self._at = 0
        self._state: Callable[[bool], Event | None] = self._raw
        self._at_line_start = True
        self._empty = True

    def feed(self, data: bytes) -> list[Event]:
        """
        :param data: the next of what git prints.
        :raises ValueError: if that is not the format.
        """
        self._data = self._data[self._at :] + data
        self._at = 0
        return self._run(False)

    def end(self) -> list[Event]:
        """
        The last events.

        :raises ValueError: if it ends in the middle.
        """
        events = self._run(True)
        if self._at < len(self._data):
            raise ValueError("output of git diff ends within a line")
        return events

    def _run(self, last: bool) -> list[Event]:
        events: list[Event] = []
        while True:
            state = self._state
            event = state(last)
            if event is not None:
                events.append(event)
            if self._state == state:
                return events

    def _take(self, end: int) -> bytes:
        data = self._data[self._at : end]
        self._at = end
        return data

    # ------------------------------------------------------------------------------------------------------ states

    def _raw(self, last: bool) -> Event | None:
        if self._empty and self._data.startswith(b"\0", self._at):
            raise ValueError("patches without raw entries")
        end = self._data.find(b"\0\0", self._at)
        if end >= 0:
            self._state = self._between
            data = self._take(end + 1)
            self._at += 1
        else:
            # One NUL at the end may be the first of two.
            data = self._take(len(self._data) - (self._data.endswith(b"\0") and not last))
        if not data:
            return None
        self._empty = False
        return RawPart(data)

    def _between(self, last: bool) -> Event | None:
        """
        Where a file's patch begins.
        """
        end = self._data.find(b"\n", self._at) + 1
        if not end:
            self._check_length()
            return None
        line = self._take(end)
        if not line.startswith(_BEGINNING):
            raise ValueError("patch without a header")
        self._state = self._header
        return PatchBegins(line)

    def _header(self, last: bool) -> Event | None:
        """
        The other lines before a patch, which the raw entry has told already.
        """
        after = _AFTER_HEADER.search(self._data, self._at)
        if after is None:
            # The last line may be the beginning of one of these.
            self._at = max(self._at, self._data.rfind(b"\n", self._at) + 1)
            self._check_length()
            return None
        self._at = after.start()
        self._state = self._between if after[0] == _BEGINNING else self._body
        self._at_line_start = True
        return None

    def _body(self, last: bool) -> Event | None:
        if self._at_line_start and self._data.startswith(_BEGINNING, self._at):
            self._state = self._between
            return None
        end = self._data.find(_NEXT, self._at) + 1
        if end:
            self._state = self._between
        elif last:
            end = len(self._data)
        else:
            # The last line waits for its end, unless it is a long one.
            end = max(self._at, self._data.rfind(b"\n", self._at) + 1)
            if len(self._data) - end >= LONG_LINE:
                end = len(self._data)
        data = self._take(end)
        if not data:
            return None
        part = _counted(data, self._at_line_start)
        self._at_line_start = data.endswith(b"\n")
        return part

    def _check_length(self) -> None:
        if len(self._data) - self._at > LONGEST_HEADER:
            raise ValueError("line of a patch's header does not end")


def _counted(data: bytes, at_line_start: bool) -> PatchPart:
    """
    :param at_line_start: ``data`` begins with the beginning of a line.
    """
    if at_line_start and data.startswith(_BINARY):
        return PatchPart(data, 1, len(data), 0, 0, True)
    # A line counts where it begins.
    lines = data.count(b"\n") - data.endswith(b"\n") + at_line_start
    added = data.count(b"\n+") + (at_line_start and data.startswith(b"+"))
    removed = data.count(b"\n-") + (at_line_start and data.startswith(b"-"))
    hunks, sizes = _hunk_headers(data, at_line_start)
    return PatchPart(data, lines - hunks, len(data) - sizes, added, removed)


def _hunk_headers(data: bytes, at_line_start: bool) -> tuple[int, int]:
    """
    :returns: how many there are, and their sizes together.
    """
    count = sizes = 0
    start = 0 if at_line_start and data.startswith(b"@@") else data.find(b"\n@@") + 1 or -1
    while start >= 0:
        end = data.find(b"\n", start) + 1 or len(data)
        count += 1
        sizes += end - start
        start = data.find(b"\n@@", end - 1) + 1 or -1
    return count, sizes


__all__ = ["LONG_LINE", "Event", "PatchBegins", "PatchDecoder", "PatchPart", "RawPart", "header_of", "quoted_path"]
