"""
What a repository looks like on disk, as far as housekeeping cares. No git is asked; all functions here block.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from posixpath import join

from attrs import frozen

from ..git.alternates import read_alternates
from ..git.parse import chunkfiles

FULL_REPACK = ".gitaly-full-repack-timestamp"
"""Whose age is that of the last full repack: Gitaly's name for it."""

_PACK = re.compile(r"pack-(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
FAN_OUT = re.compile(r"[0-9a-f]{2}\Z")
"""A directory of loose objects."""

LOOSE = re.compile(r"(?:[0-9a-f]{38}|[0-9a-f]{62})\Z")
"""A file in one."""

_SAMPLE = tuple(f"{number:02x}" for number in range(0, 256, 64))
"""Directories of loose objects that are looked at for an estimate."""


@frozen
class Pack:
    """
    :param name: without a suffix: ``pack-<digest>``.
    :param size: of the ``.pack`` file, in bytes.
    :param cruft: it holds objects that nothing refers to.
    :param indexed: the multi-pack index is about it.
    """

    name: str
    size: int
    cruft: bool = False
    indexed: bool = False


@frozen
class CommitGraph:
    """
    :param chain: it is a chain of files, which grows by small steps.
    :param filters: it tells which paths a commit changes, and how far it is from the root.
    """

    chain: bool = False
    filters: bool = False


@frozen
class Statistics:
    """
    :param packs: complete ones only: with their index.
    :param loose_objects: how many of them there are.
    :param stale_objects: how many of these were not touched for a while.
    :param loose_refs: how many files there are below ``refs``.
    :param packed_refs: bytes of ``packed-refs``.
    :param index: whether there is a multi-pack index.
    :param borrows_since: when the repository began to borrow objects; ``None`` if it does not.
    :param full_repack: when everything was packed last; ``None`` if nobody wrote that down.
    """

    packs: tuple[Pack, ...] = ()
    loose_objects: int = 0
    stale_objects: int = 0
    loose_refs: int = 0
    packed_refs: int = 0
    index: bool = False
    graph: CommitGraph = CommitGraph()
    borrows_since: float | None = None
    full_repack: float | None = None

    @property
    def empty(self) -> bool:
        """
        Whether there is no object at all.
        """
        return not self.packs and not self.loose_objects


def survey(path: str, stale_before: float = 0.0, few: int = 0) -> Statistics:
    """
    Count, by reading directories and the beginnings of some files: a few milliseconds unless there is a lot to do.

    :param path: the repository.
    :param stale_before: loose objects that were not touched since are stale.
    :param few: if there are no more loose objects than that, nobody cares which are stale, and none is counted as such; if there
        are clearly less their number is an estimate, as git itself makes it.
    """
    objects = join(path, "objects")
    loose, stale = _loose(objects, stale_before, few)
    indexed = _indexed(join(objects, "pack", "multi-pack-index"))
    return Statistics(
        packs=tuple(_packs(objects, indexed or frozenset())),
        loose_objects=loose,
        stale_objects=stale,
        loose_refs=sum(len(files) for _, _, files in os.walk(join(path, "refs"))),
        packed_refs=_size(join(path, "packed-refs")),
        index=indexed is not None,
        graph=_commit_graph(join(objects, "info")),
        borrows_since=_changed(join(objects, "info", "alternates")) if read_alternates(objects) else None,
        full_repack=_changed(join(path, FULL_REPACK)),
    )


def loose_objects(objects: str) -> Iterator[str]:
    """
    The ids of the loose objects in an object directory, sorted.
    """
    for directory in sorted(filter(FAN_OUT.match, _names(objects))):
        for name in sorted(_objects_in(objects, directory)):
            yield directory + name


def _loose(objects: str, stale_before: float, few: int) -> tuple[int, int]:
    """
    :returns: how many loose objects there are, and how many of them are stale.
    """
    if few >= 256:
        # Objects are spread evenly, so a part of the directories tells whether the others may be left alone.
        estimate = sum(len(_objects_in(objects, name)) for name in _SAMPLE) * (256 // len(_SAMPLE))
        if estimate <= few // 2:
            # Whether there is none at all is not for an estimate to say.
            return estimate or sum(1 for _ in islice(loose_objects(objects), 1)), 0
    found = list(loose_objects(objects))
    if len(found) <= few:
        return len(found), 0
    changed = (_changed(join(objects, oid[:2], oid[2:])) for oid in found)
    return len(found), sum(when is not None and when < stale_before for when in changed)


def _objects_in(objects: str, directory: str) -> list[str]:
    return list(filter(LOOSE.match, _names(join(objects, directory))))


def packs_in(objects: str) -> list[Pack]:
    """
    The packs in an object directory.
    """
    return list(_packs(objects, frozenset()))


def _packs(objects: str, indexed: frozenset[str]) -> Iterator[Pack]:
    directory = join(objects, "pack")
    suffixes: dict[str, set[str]] = {}
    for name in _names(directory):
        stem, _, suffix = name.partition(".")
        if _PACK.match(stem):
            suffixes.setdefault(stem, set()).add(suffix)
    for stem, found in sorted(suffixes.items()):
        if found >= {"pack", "idx"}:
            yield Pack(stem, _size(join(directory, f"{stem}.pack")), "mtimes" in found, stem in indexed)


def _indexed(path: str) -> frozenset[str] | None:
    """
    The packs that a multi-pack index is about; ``None`` if there is none.
    """
    try:
        with open(path, "rb") as file:
            start, end = chunkfiles.pack_names(file.read(chunkfiles.HEAD))
            file.seek(start)
            names = file.read(end - start).split(b"\0")
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return frozenset(os.fsdecode(name).removesuffix(".idx") for name in names if name)


def _commit_graph(info: str) -> CommitGraph:
    directory = join(info, "commit-graphs")
    try:
        with open(join(directory, "commit-graph-chain"), encoding="ascii") as file:
            digests = file.read().split()
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        digests = []
    files = [join(directory, f"graph-{digest}.graph") for digest in digests] or [join(info, "commit-graph")]
    filters = True
    for path in files:
        try:
            with open(path, "rb") as file:
                names = chunkfiles.commit_graph(file.read(chunkfiles.HEAD)).names
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return CommitGraph()
        filters = filters and {b"BIDX", b"BDAT", b"GDA2"} <= names
    return CommitGraph(bool(digests), filters)


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _changed(path: str) -> float | None:
    try:
        return os.stat(path).st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return None
