"""
A repository beside a repository: its refs as they were at one moment, and the same objects under other names, in which git may
repack and prune as it likes; and what became of them brought back. Everything here blocks.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from posixpath import basename, dirname, join

from attrs import frozen

from ..errors import Code, GitalyError
from ..git.alternates import read_alternates
from ..git.interfaces import RefUpdate
from ..git.objectid import ObjectFormat, ObjectID
from ..observability.failpoints import failpoint
from ..wal.building import pack_refs, skeleton
from ..wal.interfaces import Creation
from ..wal.layout import sync_path
from .statistics import FAN_OUT, LOOSE

Inodes = Mapping[str, int]
"""Files, relative to the object directory, and their inodes: git replaces files, and never changes them in place."""

_INDEX = "pack/multi-pack-index"
_CHAIN = "info/commit-graphs/commit-graph-chain"
_GRAPH = "info/commit-graph"


class FilesChanged(GitalyError):
    """
    Somebody who does not keep to the write queue took files away meanwhile. Nothing was changed.
    """

    def __init__(self, directory: str, name: str) -> None:
        super().__init__("packs have changed", Code.ABORTED, {"directory": directory, "name": name})


@frozen
class Changes:
    """
    :param new: files that there are now, or that have another content.
    :param gone: files that there are no longer.
    :param kept: files that are as they were, and that what is new may rely on.
    """

    new: tuple[str, ...]
    gone: tuple[str, ...]
    kept: tuple[str, ...]


@frozen
class Refs:
    """
    What a repository refers to, at one moment.

    :param head: what HEAD is: the name of a ref, or an id.
    """

    object_format: ObjectFormat
    names: tuple[tuple[bytes, ObjectID], ...]
    head: bytes


def make(repository: str, root: str, refs: Refs) -> dict[str, int]:
    """
    Make the view.

    :param repository: its directory.
    :param root: a directory on the same file system.
    :param refs: from before this was called, so that all that they name is there.
    :returns: the files of objects that are in it.
    """
    symbolic = refs.head.startswith(b"refs/")
    skeleton(root, Creation(refs.object_format, refs.head if symbolic else b"refs/heads/main"))
    if not symbolic:
        with open(join(root, "HEAD"), "wb") as file:
            file.write(refs.head + b"\n")
    pack_refs(root, [RefUpdate(name, None, oid) for name, oid in refs.names])
    if os.path.exists(join(repository, "shallow")):
        shutil.copyfile(join(repository, "shallow"), join(root, "shallow"))
    if os.path.isdir(join(repository, "logs")):
        shutil.copytree(join(repository, "logs"), join(root, "logs"), dirs_exist_ok=True)
    return link_objects(join(repository, "objects"), join(root, "objects"))


def has_other_roots(repository: str) -> bool:
    """
    Whether there are work trees, whose indices and heads refer to objects, too.
    """
    return any(os.path.exists(join(repository, name)) for name in ("worktrees", "index"))


def link_objects(objects: str, view: str) -> dict[str, int]:
    """
    Give all files of an object directory other names. Files that vanish meanwhile are left out, as if this had been called a
    moment later.

    :param objects: the repository's.
    :param view: another one, on the same file system.
    :returns: what is in it.
    """
    # Indices first: whoever packs writes them last, so their packs are there.
    made: set[str] = set()
    for name in sorted(inodes(objects), key=lambda name: not name.endswith(".idx")):
        target = join(view, name)
        directory = dirname(target)
        if directory not in made:
            os.makedirs(directory, exist_ok=True)
            made.add(directory)
        try:
            os.link(join(objects, name), target)
        except FileNotFoundError:
            continue
    _drop_halves(view)
    alternates = read_alternates(objects)
    if alternates:
        os.makedirs(join(view, "info"), exist_ok=True)
        with open(join(view, "info", "alternates"), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(f"{path}\n" for path in alternates)
    return inodes(view)


def inodes(objects: str) -> dict[str, int]:
    """
    What is in a view, or in any object directory, now. Inodes are those of the directories' entries: files need not be looked at.
    """
    found: dict[str, int] = {}
    for name in sorted(filter(FAN_OUT.match, os.listdir(objects))):
        found.update((f"{name}/{file}", inode) for file, inode in _entries(join(objects, name)) if LOOSE.match(file))
    for name in ("pack", "info/commit-graphs"):
        found.update(
            (f"{name}/{file}", inode)
            for file, inode in _entries(join(objects, name))
            if not file.startswith(("tmp_", ".")) and not file.endswith((".lock", ".temp"))
        )
    found.update((_GRAPH, inode) for file, inode in _entries(join(objects, dirname(_GRAPH))) if file == basename(_GRAPH))
    return found


def changes(before: Inodes, after: Inodes) -> Changes:
    """
    What became of a view.
    """
    return Changes(
        new=tuple(sorted((name for name, inode in after.items() if before.get(name) != inode), key=_order)),
        gone=tuple(sorted((name for name in before if name not in after), key=_order_of_removal)),
        kept=tuple(name for name, inode in after.items() if before.get(name) == inode),
    )


def swap(view: str, objects: str, found: Changes) -> None:
    """
    Bring back what became of a view, which is of no use after that: first what is new, durably, then away with what is gone. No
    reader misses an object at any time, and a crash leaves objects twice at worst.

    :raises FilesChanged: if something is not there any more that git relied on.
    """
    for name in found.kept:
        if name.startswith("pack/") and name.endswith((".pack", ".idx")) and not os.path.exists(join(objects, name)):
            raise FilesChanged(objects, name)
    failpoint("housekeeping.before_swap")
    directories: set[str] = set()
    for name in found.new:
        _put(join(view, name), join(objects, name))
        failpoint("housekeeping.after_each_new")
        directories.update((dirname(join(objects, name)), dirname(dirname(join(objects, name)))))
    for directory in sorted(directories, key=len, reverse=True):
        sync_path(directory)
    failpoint("housekeeping.after_new")
    if _INDEX not in found.new and any(name.endswith(".idx") for name in found.gone):
        # Whoever made it: it is about packs that go now.
        _unlink(join(objects, _INDEX))
    for name in found.gone:
        _unlink(join(objects, name))
        failpoint("housekeeping.after_each_gone")
    for name in {name[:2] for name in found.gone if FAN_OUT.match(dirname(name))}:
        try:
            os.rmdir(join(objects, name))
        except OSError:
            pass  # There are others in it.


def protect(view: str, packs: Iterable[str]) -> None:
    """
    Tell git to leave packs as they are.
    """
    for pack in packs:
        with open(join(view, "pack", f"{pack}.keep"), "xb"):
            pass


def unprotect(view: str, packs: Iterable[str]) -> None:
    """
    The opposite of :func:`protect`.
    """
    for pack in packs:
        _unlink(join(view, "pack", f"{pack}.keep"))


def has_packs(view: str) -> bool:
    """
    Whether there is anything that an index over several packs could be about.
    """
    return any(name.endswith(".idx") for name in os.listdir(join(view, "pack")))


def _entries(directory: str) -> list[tuple[str, int]]:
    try:
        with os.scandir(directory) as entries:
            return sorted((entry.name, entry.inode()) for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _drop_halves(view: str) -> None:
    """
    Packs that lack their index, or the other way round: one is just coming, or a crash has left it. git repack would stop at it.
    """
    directory = join(view, "pack")
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    whole = {
        name.removesuffix(".idx") for name in names if name.endswith(".idx") and f"{name.removesuffix('.idx')}.pack" in names
    }
    for name in names:
        if name.startswith("pack-") and name.split(".")[0] not in whole:
            _unlink(join(directory, name))


def _order(name: str) -> tuple[int, str]:
    """
    What refers to other files comes after them.
    """
    if name in (_INDEX, _CHAIN, _GRAPH):
        return 2, name
    return int(name.endswith(".idx")), name


def _order_of_removal(name: str) -> int:
    """
    No index is there without its packs.
    """
    return 0 if name.startswith(_INDEX) else 1 if name.endswith(".idx") else 2


def _put(source: str, target: str) -> None:
    os.makedirs(dirname(target), exist_ok=True)
    try:
        os.link(source, target)
    except FileExistsError:
        os.rename(source, target)  # no other name in between, which a crash would leave behind


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
