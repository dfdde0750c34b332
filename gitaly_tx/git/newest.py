"""
The first commits that ``git log`` finds, without a git: for those who want a few, and read them anyway to show them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Final

from .directory import GitDirectory
from .errors import ObjectCorrupt, ObjectNotFound, ObjectTooLarge
from .interfaces import GitObject, IObjects
from .objectid import ObjectID
from .peeling import peeled, read

MOST: Final = 64
"""Commits that are walked over at once: a few milliseconds. git has a commit-graph for longer ways."""

_CUT: Final = ("shallow", "info/grafts")
"""Files that say that a history is not what its commits say."""

_PLAIN: Final = re.compile(
    rb"tree [0-9a-f]+\n((?:parent [0-9a-f]+\n)*)author [^\n]*\ncommitter [^\n>]*> ([0-9]{1,10}) [^\n]*\n",
)
"""
What a commit begins with. The date of any other is what git makes of it, and so is one beyond the year 2286; the commit-graph has
34 bits for it.
"""


def newest(
    objects: IObjects, directory: GitDirectory, starts: Iterable[ObjectID], count: int, *, first_parent: bool = False
) -> list[GitObject] | None:
    """
    Always the newest commit that is known comes next, of those that are equally old the one that was met first, and then its
    parents are known, too. That is git's order for a walk that nothing limits.

    :param directory: of the repository.
    :param starts: commits, or tags of commits, that are all taken as newest first.
    :param count: at most :data:`MOST`.
    :param first_parent: only the first parent of each.
    :returns: ``None`` if git has to be asked: something is missing or odd, or the history is cut off somewhere.
    """
    if any(os.path.lexists(os.path.join(directory.path, name)) for name in _CUT):
        return None
    walk = _Walk()
    found: list[GitObject] = []
    try:
        for start in starts:
            walk.meet(peeled(objects, start, b"commit"))
        while walk.waiting and len(found) < count:
            commit, parents = walk.next()
            found.append(commit)
            for parent in parents[:1] if first_parent else parents:
                if parent not in walk.seen:
                    walk.meet(read(objects, parent))
    except (_Odd, ObjectNotFound, ObjectCorrupt, ObjectTooLarge):
        return None
    return found


class _Odd(Exception):
    """
    Not what git would write.
    """


class _Walk:
    """
    :ivar seen: all that were met.
    :ivar waiting: those that did not have their turn, as a heap: by date, newest first, then by the order of meeting.
    """

    def __init__(self) -> None:
        self.seen: set[ObjectID] = set()
        self.waiting: list[tuple[int, int, GitObject, list[ObjectID]]] = []

    def meet(self, commit: GitObject | None) -> None:
        if commit is None or commit.type != b"commit":
            raise _Odd
        if commit.oid in self.seen:
            return
        self.seen.add(commit.oid)
        plain = _PLAIN.match(commit.data)
        if plain is None:
            raise _Odd
        parents = [ObjectID(line[7:]) for line in plain[1].splitlines()]
        heappush(self.waiting, (-int(plain[2]), len(self.seen), commit, parents))

    def next(self) -> tuple[GitObject, list[ObjectID]]:
        return heappop(self.waiting)[2:]


__all__ = ["MOST", "newest"]
