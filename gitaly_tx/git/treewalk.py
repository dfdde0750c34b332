"""
All entries below a tree, some at a time, so that neither a thread nor the memory is taken up by a tree of any size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .errors import ObjectCorrupt
from .interfaces import IObjects
from .objectid import ObjectID
from .parse.tree import TreeEntry, listed
from .peeling import read


class Found(NamedTuple):
    """
    :param path: from the tree that the walk began with, without a slash at its beginning.
    """

    path: bytes
    entry: TreeEntry


class TreeWalk:
    """
    Depth first, in git's order, each directory before what is in it: as ``git ls-tree -r -t``.

    :param tree: where to begin.
    """

    def __init__(self, tree: ObjectID) -> None:
        self._tree: ObjectID | None = tree
        self._open: list[tuple[bytes, Iterator[TreeEntry]]] = []

    def take(self, objects: IObjects, count: int) -> list[Found]:
        """
        The next entries; fewer than ``count`` only at the end.

        :raises ObjectNotFound: if a tree is missing.
        :raises ObjectCorrupt: if one cannot be read.
        """
        found: list[Found] = []
        if self._tree is not None:
            self._enter(objects, b"", self._tree)
            self._tree = None
        while self._open and len(found) < count:
            prefix, rest = self._open[-1]
            for entry in rest:
                path = prefix + entry.name
                found.append(Found(path, entry))
                if entry.is_tree:
                    self._enter(objects, path + b"/", entry.oid)
                    break
                if len(found) == count:
                    break
            else:
                self._open.pop()
        return found

    def _enter(self, objects: IObjects, prefix: bytes, tree: ObjectID) -> None:
        data = read(objects, tree)
        if data.type != b"tree":
            raise ObjectCorrupt(tree, "not a tree object")
        self._open.append((prefix, iter(listed(tree, data.data))))
