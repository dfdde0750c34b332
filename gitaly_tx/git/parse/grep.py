"""
What ``git grep`` with context lines writes: groups of lines, with ``--`` between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

LONGEST = 64 * 1024
"""Bytes of a line with its end; nothing is read past a longer one. It is Gitaly's limit."""

SEPARATOR = b"--"


class MatchEnd(Enum):
    """
    The event at the end of each group.
    """

    END = "end"


class Matches:
    """
    Bytes in, events out: pieces of a group's bytes, and :attr:`MatchEnd.END` after the last one of each. A carriage return before
    the end of a line is left out.

    :ivar stopped: a line was too long; nothing more is taken.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._within = False
        self.stopped = False

    def receive(self, data: bytes) -> Iterator[bytes | MatchEnd]:
        """
        The next bytes of git's.
        """
        if self.stopped:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        found: list[bytes] = []
        for line in lines:
            if len(line) >= LONGEST:
                self.stopped = True
                break
            line = line.removesuffix(b"\r")
            if line != SEPARATOR:
                found.append(line)
                continue
            yield from self._group(found)
            found = []
            yield from self._finish()
        yield from self._group(found)
        self.stopped = self.stopped or len(self._rest) >= LONGEST

    def end(self) -> Iterator[bytes | MatchEnd]:
        """
        git wrote all that it had to write, or all that is wanted.
        """
        if self._rest and not self.stopped:
            yield from self._group([self._rest.removesuffix(b"\r")])
        self._rest = b""
        yield from self._finish()

    def _group(self, lines: list[bytes]) -> Iterator[bytes | MatchEnd]:
        if lines:
            self._within = True
            yield b"\n".join(lines) + b"\n"

    def _finish(self) -> Iterator[bytes | MatchEnd]:
        if self._within:
            self._within = False
            yield MatchEnd.END
