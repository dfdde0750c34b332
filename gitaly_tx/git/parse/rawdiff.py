"""
git's raw diff format, ``--raw -z``: one entry for each file that differs.

An entry is two or three records that end in NUL: ``:100644 100755 <id> <id> R87``, then the path, or for a rename or copy the old
path and the new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Change(NamedTuple):
    """
    One file that differs. A tuple, because there may be many thousands of them.

    :param old_mode: as in a tree; 0 for a file that is not there.
    :param old_id: hexadecimal digits; all zeroes for a file that is not there.
    :param status: one letter: ``A``, ``M``, ``D``, ``T``, ``R`` or ``C``.
    :param score: how similar the two sides of a rename or copy are, in percent; 0 for the others.
    :param old_path: the same as ``path`` but for renames and copies.
    """

    old_mode: int
    new_mode: int
    old_id: bytes
    new_id: bytes
    status: bytes
    score: int
    old_path: bytes
    path: bytes

    def halves(self) -> tuple[Change, ...]:
        """
        A change of type as the deletion and the addition that its patch has; any other as it is.
        """
        if self.status != b"T":
            return (self,)
        nothing = b"0" * len(self.old_id)
        return (
            self._replace(new_mode=0, new_id=nothing, status=b"D"),
            self._replace(old_mode=0, old_id=nothing, status=b"A"),
        )


class RawDecoder:
    """
    Records in, changes out. An entry may be spread over several calls of :meth:`feed`.
    """

    def __init__(self) -> None:
        self._head: tuple[int, int, bytes, bytes, bytes, int] | None = None
        self._old_path: bytes | None = None

    @property
    def complete(self) -> bool:
        """
        Whether what came so far ends with a whole entry.
        """
        return self._head is None

    def feed(self, records: Iterable[bytes]) -> Iterator[Change]:
        """
        :param records: without their NULs.
        :raises ValueError: if that is not the format.
        """
        for record in records:
            if self._head is None:
                self._head = _head(record)
                continue
            if self._old_path is None and self._head[4] in (b"R", b"C"):
                self._old_path = record
                continue
            yield Change(*self._head, record if self._old_path is None else self._old_path, record)
            self._head = self._old_path = None


def status_and_score(word: bytes) -> tuple[bytes, int]:
    """
    ``R87`` → ``R`` and 87; ``M`` → ``M`` and 0.
    """
    return word[:1], int(word[1:] or b"0")


def _head(record: bytes) -> tuple[int, int, bytes, bytes, bytes, int]:
    if not record.startswith(b":"):
        raise ValueError("raw diff entry without a colon")
    words = record[1:].split(b" ")
    if len(words) != 5 or not words[4]:
        raise ValueError("raw diff entry with a wrong number of fields")
    old_mode, new_mode, old_id, new_id, status = words
    return int(old_mode, 8), int(new_mode, 8), old_id, new_id, *status_and_score(status)


__all__ = ["Change", "RawDecoder", "status_and_score"]
