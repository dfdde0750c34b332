"""
Tree objects, and paths in them.
"""

from __future__ import annotations

import re
from binascii import hexlify, unhexlify
from collections.abc import Iterator
from typing import NamedTuple

from ..errors import ObjectCorrupt
from ..objectid import ObjectID

_ENTRIES = {
    20: re.compile(rb"([0-7]{1,11}) ([^\0]+)\0(.{20})", re.DOTALL),
    32: re.compile(rb"([0-7]{1,11}) ([^\0]+)\0(.{32})", re.DOTALL),
}

_MODES = {b"%o" % mode: mode for mode in (0o100644, 0o100755, 0o040000, 0o120000, 0o160000)}
_new = bytes.__new__
_tuple = tuple.__new__

TREE = 0o040000
SUBMODULE = 0o160000
_KIND = 0o170000
_BLOBS = frozenset({0o100000, 0o120000})


class TreeEntry(NamedTuple):
    """
    :param mode: as the tree has it: ``0o100644``.
    """

    mode: int
    name: bytes
    oid: ObjectID

    @property
    def is_tree(self) -> bool:
        """
        Whether this is a directory.
        """
        return self.mode & _KIND == TREE

    @property
    def is_blob(self) -> bool:
        """
        Whether this is a file or a symbolic link.
        """
        return self.mode & _KIND in _BLOBS

    @property
    def is_submodule(self) -> bool:
        """
        Whether this is a commit of another repository.
        """
        return self.mode & _KIND == SUBMODULE

    @property
    def type(self) -> bytes:
        """
        The type of object that the entry names.
        """
        return b"tree" if self.is_tree else b"commit" if self.is_submodule else b"blob"


def entries(oid: ObjectID, data: bytes) -> Iterator[TreeEntry]:
    """
    The entries of a tree object, in its order.

    :param oid: the tree's own id: its length is that of the ids in it.
    :raises ObjectCorrupt: if that is no tree.
    """
    position = 0
    for found in _ENTRIES[len(oid) // 2].finditer(data):
        if found.start() != position:
            break
        position = found.end()
        mode, name, raw = found.groups()
        # The digits need no check.
        yield TreeEntry(_MODES.get(mode) or int(mode, 8), name, _new(ObjectID, hexlify(raw)))
    if position != len(data):
        raise ObjectCorrupt(oid, "malformed tree")


def listed(oid: ObjectID, data: bytes) -> list[TreeEntry]:
    """
    As :func:`entries`, for whoever wants all of them: at half the price.
    """
    width = len(oid) // 2
    found = _ENTRIES[width].findall(data)
    if sum([len(mode) + len(name) for mode, name, _ in found]) + (width + 2) * len(found) != len(data):
        return list(entries(oid, data))  # says what is wrong
    known = _MODES
    return [_tuple(TreeEntry, (known.get(mode) or int(mode, 8), name, _new(ObjectID, hexlify(raw)))) for mode, name, raw in found]


def entry(oid: ObjectID, data: bytes, name: bytes) -> TreeEntry | None:
    """
    One entry of a tree object; ``None`` if there is none of that name.

    :raises ObjectCorrupt: if what stands before it is no tree.
    """
    found = placed(oid, data, name)
    return None if found is None else found[0]


def placed(oid: ObjectID, data: bytes, name: bytes) -> tuple[TreeEntry, int, int] | None:
    """
    The same, with where it begins and ends.
    """
    wanted = b" " + name + b"\0"
    if wanted not in data:
        return None
    # What stands before it is stepped over and not taken apart; an id may hold what looks like the name.
    find, step, before = data.find, len(oid) // 2 + 1, len(wanted) - 1
    position, end = 0, len(data)
    while position < end and (nul := find(b"\0", position)) >= 0:
        space = nul - before
        if data.startswith(wanted, space) and find(b" ", position) == space:
            found = _ENTRIES[step - 1].match(data, position)
            if found is None:
                break
            mode = _MODES.get(found[1]) or int(found[1], 8)
            return TreeEntry(mode, name, ObjectID(hexlify(found[3]))), position, nul + step
        position = nul + step
    if position != end:
        raise ObjectCorrupt(oid, "malformed tree")
    return None


def line(entry: TreeEntry) -> bytes:
    """
    An entry as it stands in a tree object.
    """
    mode, name, oid = entry
    return b"%o %b\0%b" % (mode, name, unhexlify(oid))
