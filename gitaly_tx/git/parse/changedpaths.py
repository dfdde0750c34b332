"""
What ``git diff-tree --stdin -z -r`` prints: the raw format, with what it says of several commits or pairs of trees one after the
other.

Before the entries of a commit comes its id as a record, once for each parent that it is compared with; before those of two trees
come both ids and a newline. With ``-c`` an entry has as many sources as the commit has parents, as in
``::100644 100644 100644 <id> <id> <id> MM``, and with ``--combined-all-paths`` a path for each of them before its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .rawdiff import Change, status_and_score


class ChangeOf(NamedTuple):
    """
    A change, and the commit that made it.

    :param commit: its id; empty for a pair of trees.
    """

    commit: bytes
    change: Change


class ChangedPathsDecoder:
    """
    Records in, changes out: for an entry with several sources a change for each of them.

    :param all_paths: git was asked for ``--combined-all-paths``.
    """

    def __init__(self, all_paths: bool = False) -> None:
        self._all_paths = all_paths
        self._commit = b""
        self._head: list[bytes] | None = None
        self._sources = 0
        self._wanted = 0
        self._paths: list[bytes] = []

    def feed(self, records: Iterable[bytes]) -> Iterator[ChangeOf]:
        """
        :param records: without their NULs.
        :raises ValueError: if that is not the format.
        """
        for record in records:
            if self._head is None:
                self._begin(record)
                continue
            self._paths.append(record)
            if len(self._paths) == self._wanted:
                yield from self._changes(self._head)
                self._head = None

    def _begin(self, record: bytes) -> None:
        _, newline, entry = record.rpartition(b"\n")
        if newline:
            self._commit = b""
        if not entry.startswith(b":"):
            if newline and not entry:
                return
            self._commit = entry
            return
        words = entry.lstrip(b":")
        self._sources = sources = len(entry) - len(words)
        self._head = words.split(b" ")
        if len(self._head) != 2 * (sources + 1) + 1 or not self._head[-1]:
            raise ValueError("entry of git diff-tree with a wrong number of fields")
        if sources > 1:
            if len(self._head[-1]) != sources:
                raise ValueError("entry of git diff-tree with a wrong number of states")
            self._wanted = sources + 1 if self._all_paths else 1
        else:
            self._wanted = 2 if self._head[-1][:1] in (b"R", b"C") else 1
        self._paths = []

    def _changes(self, head: list[bytes]) -> Iterator[ChangeOf]:
        count = self._sources
        new_mode, new_id, states = int(head[count], 8), head[2 * count + 1], head[-1]
        path = self._paths[-1]
        old_paths = self._paths[:-1] if len(self._paths) > 1 else [path] * count
        for index in range(count):
            status, score = status_and_score(states) if count == 1 else (states[index : index + 1], 0)
            old_id = head[count + 1 + index]
            change = Change(int(head[index], 8), new_mode, old_id, new_id, status, score, old_paths[index], path)
            yield ChangeOf(self._commit, change)


__all__ = ["ChangeOf", "ChangedPathsDecoder"]
