"""
What ``git for-each-ref`` prints, and the dates that it sorts by.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..interfaces import Reference
from ..objectid import ObjectID

FORMAT = "--format=%(objectname) %(refname)"
"""The option that makes it print what :func:`parse_ref` reads, a line each."""

AUTHOR = (b"author",)
COMMITTER = (b"committer",)
CREATOR = (b"tagger", b"committer")
"""Whose dates ``authordate``, ``committerdate`` and ``creatordate`` are, as header fields."""

_NUMBER = re.compile(rb"[ \t\n\v\f\r]*([-+]?)([0-9]+)")
_LARGEST = (1 << 64) - 1


def parse_ref(line: bytes) -> Reference:
    """
    :param line: without its newline.
    :raises ValueError: if that is none.
    """
    oid, _, name = line.partition(b" ")
    return Reference(name, ObjectID(oid))


def date_of(data: bytes, fields: Sequence[bytes]) -> int:
    """
    A date in an object's header, in seconds, as git takes it for sorting: 0 if there is none or it cannot be read, and a negative
    one counts from the end of what 64 bits hold.

    :param data: a commit or a tag.
    """
    line = _person(data, fields)
    end = line.find(b"> ")
    found = None if end < 0 else _NUMBER.match(line, end + 2)
    if found is None:
        return 0
    number = int(found[2][:40])
    if number >= _LARGEST:
        return 0
    return -number & _LARGEST if found[1] == b"-" else number


def _person(data: bytes, fields: Sequence[bytes]) -> bytes:
    header = data.partition(b"\n\n")[0]
    for line in header.split(b"\n"):
        field, space, rest = line.partition(b" ")
        if space and field in fields:
            return rest
    return b""
