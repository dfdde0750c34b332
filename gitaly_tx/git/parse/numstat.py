"""
What ``git diff --numstat -z`` prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Counts(NamedTuple):
    """
    How many lines of one file differ.

    :param path: where it is after the change; where it was, if it is gone.
    :param old_path: where it was, if it was renamed or copied; else empty.
    :param added: lines; none for a binary file.
    :param removed: the same.
    """

    path: bytes
    old_path: bytes = b""
    added: int = 0
    removed: int = 0


class NumstatDecoder:
    """
    Takes records that end in NUL, gives files. A renamed file has three: its numbers, its old path, its new one.
    """

    def __init__(self) -> None:
        self._numbers: tuple[int, int] | None = None
        self._old_path: bytes | None = None

    def feed(self, records: Iterable[bytes]) -> Iterator[Counts]:
        """
        :param records: without their NULs.
        :raises ValueError: for what git does not write.
        """
        for record in records:
            if self._numbers is None:
                added, removed, path = _fields(record)
                if path:
                    yield Counts(path, b"", added, removed)
                else:
                    self._numbers = added, removed
            elif self._old_path is None:
                self._old_path = record
            else:
                added, removed = self._numbers
                yield Counts(record, self._old_path, added, removed)
                self._numbers = self._old_path = None


def _fields(record: bytes) -> tuple[int, int, bytes]:
    fields = record.split(b"\t", 2)
    if len(fields) != 3:
        raise ValueError("numstat record without its fields")
    return _number(fields[0]), _number(fields[1]), fields[2]


def _number(text: bytes) -> int:
    if text == b"-":
        return 0
    if not text.isdigit():
        raise ValueError("numstat record without a number")
    return int(text)
