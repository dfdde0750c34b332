"""
The map that BFG and git-filter-repo write: which object became which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import define, field, frozen

from ...errors import Code, GitalyError
from ...git.objectid import ObjectFormat, ObjectID

HEADER = b"old" + b" " * 38 + b"new"
"""What git-filter-repo begins with."""

LONGEST = 4096
"""Bytes that a line may have; a good one has less than 200."""

_HEX = re.compile(rb"[0-9a-f]+\Z")


@frozen
class Pair:
    """
    An object and what it became.
    """

    old: ObjectID
    new: ObjectID


@define
class ObjectMap:
    """
    Takes the map in any pieces, and tells the pairs that differ.

    :param object_format: whose ids they are.
    """

    _format: ObjectFormat
    _rest: bytes = field(default=b"", init=False)
    _number: int = field(default=0, init=False)

    def feed(self, data: bytes) -> Iterator[Pair]:
        """
        :raises GitalyError: INVALID_ARGUMENT for a line that is none.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield from self._pair(line.removesuffix(b"\r"))
        if len(self._rest) > LONGEST:
            raise _invalid("object map invalid", self._number)

    def end(self) -> Iterator[Pair]:
        """
        What the last line says if nothing ends it.
        """
        if self._rest:
            yield from self._pair(self._rest.removesuffix(b"\r"))

    def _pair(self, line: bytes) -> Iterator[Pair]:
        number, self._number = self._number, self._number + 1
        if line == HEADER:
            return
        old, space, new = line.partition(b" ")
        if not space:
            raise _invalid("object map invalid", number)
        pair = Pair(self._id(old, "invalid old object ID", number), self._id(new, "invalid new object ID", number))
        if pair.old != pair.new:
            yield pair

    def _id(self, word: bytes, wrong: str, number: int) -> ObjectID:
        if len(word) != self._format.hex_length or not _HEX.match(word):
            raise _invalid(wrong, number)
        return ObjectID(word)


def _invalid(what: str, number: int) -> GitalyError:
    return GitalyError(f"{what} at line {number}", Code.INVALID_ARGUMENT)
