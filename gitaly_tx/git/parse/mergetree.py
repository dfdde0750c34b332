"""
What ``git merge-tree --write-tree -z`` prints: the merged tree, and the sides of every file that conflicts.

Records that end in NUL: the tree's id, then ``100644 <id> 2<tab>path`` for each side that a conflicting file has, and after an
empty record messages for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve, frozen


@frozen
class Side:
    """
    :param mode: as in a tree.
    :param oid: of the blob, or of a submodule's commit.
    """

    mode: int
    oid: bytes


@frozen
class Conflict:
    """
    A file that conflicts; a side that does not have it is ``None``.
    """

    path: bytes
    ancestor: Side | None = None
    ours: Side | None = None
    theirs: Side | None = None


class MergeTreeDecoder:
    """
    Records in, conflicts out, each as soon as the next one begins. Call :meth:`end` when there are no more records.

    :ivar tree: the merged tree's id, once it is known.
    """

    def __init__(self) -> None:
        self.tree: bytes | None = None
        self._current: Conflict | None = None
        self._over = False

    def feed(self, records: Iterable[bytes]) -> Iterator[Conflict]:
        """
        :param records: without their NULs.
        :raises ValueError: if that is not the format.
        """
        for record in records:
            if self._over:
                return
            if self.tree is None:
                self.tree = record
            elif record:
                yield from self._side(record)
            else:
                self._over = True
                yield from self.end()

    def end(self) -> Iterator[Conflict]:
        """
        The last conflict.
        """
        last, self._current = self._current, None
        if last is not None:
            yield last

    def _side(self, record: bytes) -> Iterator[Conflict]:
        words, _, path = record.partition(b"\t")
        mode, oid, stage = words.split(b" ")
        current = self._current
        if current is None or current.path != path:
            yield from self.end()
            current = Conflict(path)
        side = Side(int(mode, 8), oid)
        if stage == b"1":
            self._current = evolve(current, ancestor=side)
        elif stage == b"2":
            self._current = evolve(current, ours=side)
        elif stage == b"3":
            self._current = evolve(current, theirs=side)
        else:
            raise ValueError("unknown side of a conflict")


__all__ = ["Conflict", "MergeTreeDecoder", "Side"]
