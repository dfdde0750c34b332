"""
From one object to another: tags to what they name, commits to their trees and parents, trees to what lies in them. For work that
has a thread.
"""

from __future__ import annotations

from .errors import ObjectCorrupt, ObjectNotFound, ObjectTooLarge
from .interfaces import GitObject, IObjects, ObjectInfo
from .objectid import ObjectID
from .parse import commit as commits
from .parse import tree as trees
from .tags import tagged

_LARGEST = 64 << 20
"""Bytes of a commit, tree or tag that is read."""

EMPTY_TREES = frozenset(
    {
        ObjectID("4b825dc642cb6eb9a060e54bf8d69288fbee4904"),
        ObjectID("6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"),
    }
)
"""The tree without entries, which git knows in every repository whether it is there or not."""


def read(objects: IObjects, oid: ObjectID) -> GitObject:
    """
    A commit, tree or tag.

    :raises ObjectNotFound: if there is no such object.
    """
    if oid in EMPTY_TREES:
        return GitObject(oid, b"tree", b"")
    return objects.read(oid, _LARGEST)


def info(objects: IObjects, oid: ObjectID) -> ObjectInfo | None:
    """
    Type and size; ``None`` if there is no such object.
    """
    return ObjectInfo(oid, b"tree", 0) if oid in EMPTY_TREES else objects.info(oid)


def peeled(objects: IObjects, oid: ObjectID, type: bytes) -> GitObject | None:
    """
    Follow tags, and from a commit to its tree, until there is an object of a type.

    :param type: ``commit``, ``tree`` or ``tag``.
    :returns: ``None`` if there is none, or something on the way is missing.
    :raises ObjectCorrupt: if something on the way cannot be read.
    """
    while True:
        try:
            found = read(objects, oid)
        except ObjectNotFound:
            return None
        except ObjectTooLarge:
            known = objects.info(oid)
            if known is not None and known.type == b"blob":
                return None
            raise
        following = oid if found.type == type else _follow(found, type)
        if following is None:
            return None
        if following == oid:
            return found
        oid = following


def peeled_id(objects: IObjects, oid: ObjectID, type: bytes) -> ObjectID | None:
    """
    As :func:`peeled`, without reading a blob or a tag that is at the end.

    :param type: also ``blob``; ``object`` for whatever it is, if it is there; empty for anything but a tag.
    """
    if type in (b"commit", b"tree"):
        # What they are found by is read anyway, and they are likely to be read next.
        found = peeled(objects, oid, type)
        return None if found is None else found.oid
    while True:
        known = info(objects, oid)
        if known is None:
            return None
        if type in (known.type, b"object") or (not type and known.type != b"tag"):
            return oid
        if known.type not in (b"tag", b"commit"):
            return None
        following = _follow(read(objects, oid), type)
        if following is None:
            return None
        oid = following


def _follow(found: GitObject, type: bytes) -> ObjectID | None:
    if found.type == b"tag" and type != b"tag":
        return tagged(found.oid, found.data)
    if found.type == b"commit" and type == b"tree":
        return tree_of(found)
    return None


def tree_of(commit: GitObject) -> ObjectID:
    """
    The id of a commit's tree.

    :raises ObjectCorrupt: if it names none.
    """
    return _named(commit, commits.commit(commit.data).tree)


def parent(commit: GitObject, number: int) -> ObjectID | None:
    """
    The id of a commit's parent.

    :param number: which, from 1 on.
    :raises ObjectCorrupt: if the line is broken.
    """
    parents = commits.commit(commit.data).parents
    return _named(commit, parents[number - 1]) if number <= len(parents) else None


def _named(commit: GitObject, digits: bytes) -> ObjectID:
    try:
        return ObjectID(digits)
    except ValueError:
        raise ObjectCorrupt(commit.oid, "malformed commit") from None


def below(objects: IObjects, tree: ObjectID, path: bytes) -> trees.TreeEntry | None:
    """
    What lies at a path below a tree, as git finds it: a slash at the end is fine for a directory; ``.`` and ``..`` are names like
    any other, and nothing has them.

    :param path: not empty.
    :returns: ``None`` if nothing is there, or a tree on the way is missing.
    """
    found: trees.TreeEntry | None = None
    for name in path.removesuffix(b"/").split(b"/"):
        if found is not None and not found.is_tree:
            return None
        try:
            data = read(objects, tree if found is None else found.oid)
        except ObjectNotFound:
            return None
        found = trees.entry(data.oid, data.data, name) if data.type == b"tree" else None
        if found is None:
            return None
    return None if found is None or (path.endswith(b"/") and not found.is_tree) else found


__all__ = ["EMPTY_TREES", "below", "info", "parent", "peeled", "peeled_id", "read", "tree_of"]
