"""
Trees that are changed: only the directories on the way to a change are read, and only they are written again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from . import peeling
from .errors import ObjectCorrupt
from .interfaces import GitObject, IObjects
from .objectid import ObjectID
from .parse.tree import TREE, TreeEntry, line, listed, placed

REGULAR: Final = 0o100644
EXECUTABLE: Final = 0o100755

_FEW: Final = 8
"""Entries of a directory that are looked for in its bytes; for more than that it is taken apart."""

Write = Callable[[bytes, bytes], ObjectID]
"""Makes an object of a type and a content."""


class InTheWay(Exception):
    """
    Something that is no directory stands where one is needed.

    :param path: of that.
    """

    def __init__(self, path: bytes) -> None:
        super().__init__(path)
        self.path = path


class TreeEditor:
    """
    A tree in memory, as far as it was looked at. It blocks: for use within :func:`~gitaly_tx.git.interfaces.IObjectReader.look`.

    Paths are relative, and neither begin nor end in a slash; whether they may be in a tree is for the caller to say.

    :param objects: where the tree is read from.
    :param root: the tree, or its id; the empty tree's for a new one.
    """

    def __init__(self, objects: IObjects, root: GitObject | ObjectID) -> None:
        self._objects = objects
        found = peeling.read(objects, root) if isinstance(root, ObjectID) else root
        self._given = found.oid
        self._new = found.oid.format.zero
        self._root = _directory(found)

    def find(self, path: bytes) -> TreeEntry | None:
        """
        What is at a path; ``None`` if nothing is. A directory is told as it was read, whatever was changed since.
        """
        *parents, name = path.split(b"/")
        directory: _Directory | None = self._root
        for parent in parents:
            directory = self._below(directory, parent)
            if directory is None:
                return None
        return None if directory is None else directory.get(name)

    def put(self, path: bytes, mode: int, oid: ObjectID) -> None:
        """
        Put something at a path, whatever is there; directories are made as needed.

        :raises InTheWay: if a file is where a directory would be. Then nothing has changed.
        """
        *parents, name = path.split(b"/")
        self._check_way(parents)
        directory = self._root
        for parent in parents:
            directory.changed = True
            below = self._below(directory, parent)
            if below is None:
                directory.put(TreeEntry(TREE, parent, self._new))
                below = directory.loaded[parent] = _Directory(self._new)
            directory = below
        directory.changed = True
        directory.loaded.pop(name, None)
        directory.put(TreeEntry(mode, name, oid))

    def remove(self, path: bytes) -> bool:
        """
        Take away what is at a path, with all that is in it. Directories that become empty go, too.

        :returns: whether there was something.
        """
        *parents, name = path.split(b"/")
        way = [self._root]
        for parent in parents:
            below = self._below(way[-1], parent)
            if below is None:
                return False
            way.append(below)
        if way[-1].get(name) is None:
            return False
        for directory in way:
            directory.changed = True
        for directory, part in zip(reversed(way), reversed([*parents, name]), strict=True):
            del directory.entries[part]
            directory.loaded.pop(part, None)
            if directory.entries:
                break
        return True

    def write(self, write: Write) -> ObjectID:
        """
        Make the trees that have changed.

        :returns: the root's id.
        """
        return self._write(self._root, write) if self._root.changed else self._given

    def _write(self, directory: _Directory, write: Write) -> ObjectID:
        for name, below in directory.loaded.items():
            if below.changed:
                directory.put(TreeEntry(TREE, name, self._write(below, write)))
                below.changed = False
        return write(b"tree", directory.content())

    def _check_way(self, parents: list[bytes]) -> None:
        directory: _Directory | None = self._root
        for depth, parent in enumerate(parents, 1):
            if directory is None:
                return
            found = directory.get(parent)
            if found is not None and not found.is_tree:
                raise InTheWay(b"/".join(parents[:depth]))
            directory = self._below(directory, parent)

    def _below(self, directory: _Directory | None, name: bytes) -> _Directory | None:
        if directory is None:
            return None
        below = directory.loaded.get(name)
        if below is not None:
            return below
        found = directory.get(name)
        if found is None or not found.is_tree:
            return None
        below = directory.loaded[name] = _directory(peeling.read(self._objects, found.oid))
        return below


class _Directory:
    """
    Where entries only take the places of others, its bytes stay as they were read but for these: to take it apart and put it
    together again would be most of the work of a commit.

    :ivar loaded: the directories in it that were read or made.
    """

    __slots__ = ("_data", "_entries", "_known", "_oid", "changed", "loaded")

    def __init__(self, oid: ObjectID, data: bytes = b"") -> None:
        """
        :param oid: as long as those of the entries.
        """
        self._oid = oid
        self._data = data
        self._known: dict[bytes, tuple[TreeEntry, int, int] | None] = {}
        self._entries: dict[bytes, TreeEntry] | None = None
        self.loaded: dict[bytes, _Directory] = {}
        self.changed = False

    @property
    def entries(self) -> dict[bytes, TreeEntry]:
        if self._entries is None:
            self._entries = {entry.name: entry for entry in listed(self._oid, self._data)}
        return self._entries

    def get(self, name: bytes) -> TreeEntry | None:
        if self._entries is None and (name in self._known or len(self._known) < _FEW):
            found = self._place(name)
            return None if found is None else found[0]
        return self.entries.get(name)

    def put(self, new: TreeEntry) -> None:
        found = None if self.get(new.name) is None or self._entries is not None else self._place(new.name)
        content = line(new)
        if found is None or found[0].is_tree != new.is_tree or len(content) != found[2] - found[1]:
            self.entries[new.name] = new
            return
        _, start, end = found
        self._data = b"".join((self._data[:start], content, self._data[end:]))
        self._known[new.name] = new, start, end

    def _place(self, name: bytes) -> tuple[TreeEntry, int, int] | None:
        if name not in self._known:
            self._known[name] = placed(self._oid, self._data, name)
        return self._known[name]

    def content(self) -> bytes:
        if self._entries is None:
            return self._data
        ordered = sorted([(name + b"/" if entry.is_tree else name, entry) for name, entry in self._entries.items()])
        return b"".join([line(entry) for _, entry in ordered])


def _directory(tree: GitObject) -> _Directory:
    if tree.type != b"tree":
        raise ObjectCorrupt(tree.oid, "not a tree")
    return _Directory(tree.oid, tree.data)


__all__ = ["EXECUTABLE", "REGULAR", "InTheWay", "TreeEditor", "Write"]
