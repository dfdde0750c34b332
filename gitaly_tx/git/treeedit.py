"""
Trees that are changed: only the directories on the way to a change are read, and only they are written again.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Callable
from typing import Final

from . import peeling
from .errors import ObjectCorrupt
from .interfaces import IObjects
from .objectid import ObjectID
from .parse.tree import TREE, TreeEntry, listed

REGULAR: Final = 0o100644
EXECUTABLE: Final = 0o100755

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
    :param root: its id; the empty tree's for a new one.
    """

    def __init__(self, objects: IObjects, root: ObjectID) -> None:
        self._objects = objects
        self._given = root
        self._new = root.format.zero
        self._root = self._read(root)

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
        return directory.entries.get(name) if directory is not None else None

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
                directory.entries[parent] = TreeEntry(TREE, parent, self._new)
                below = directory.loaded[parent] = _Directory()
            directory = below
        directory.changed = True
        directory.loaded.pop(name, None)
        directory.entries[name] = TreeEntry(mode, name, oid)

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
        if name not in way[-1].entries:
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
                directory.entries[name] = TreeEntry(directory.entries[name].mode, name, self._write(below, write))
                below.changed = False
        return write(b"tree", directory.content())

    def _check_way(self, parents: list[bytes]) -> None:
        directory: _Directory | None = self._root
        for depth, parent in enumerate(parents, 1):
            if directory is None:
                return
            entry = directory.entries.get(parent)
            if entry is not None and not entry.is_tree:
                raise InTheWay(b"/".join(parents[:depth]))
            directory = self._below(directory, parent)

    def _below(self, directory: _Directory | None, name: bytes) -> _Directory | None:
        if directory is None:
            return None
        entry = directory.entries.get(name)
        if entry is None or not entry.is_tree:
            return None
        below = directory.loaded.get(name)
        if below is None:
            below = directory.loaded[name] = self._read(entry.oid)
        return below

    def _read(self, oid: ObjectID) -> _Directory:
        found = peeling.read(self._objects, oid)
        if found.type != b"tree":
            raise ObjectCorrupt(oid, "not a tree")
        directory = _Directory()
        directory.entries = {entry.name: entry for entry in listed(oid, found.data)}
        return directory


class _Directory:
    """
    :ivar loaded: the directories in it that were read or made.
    """

    __slots__ = ("changed", "entries", "loaded")

    def __init__(self) -> None:
        self.entries: dict[bytes, TreeEntry] = {}
        self.loaded: dict[bytes, _Directory] = {}
        self.changed = False

    def content(self) -> bytes:
        ordered = sorted([(name + b"/" if entry.is_tree else name, entry) for name, entry in self.entries.items()])
        return b"".join([b"%o %b\0%b" % (mode, name, unhexlify(oid)) for _, (mode, name, oid) in ordered])


__all__ = ["EXECUTABLE", "REGULAR", "InTheWay", "TreeEditor", "Write"]
