"""
What a repository looks like on disk, as far as housekeeping cares. No git is asked; all functions here block.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from posixpath import join

from attrs import frozen

_PACK = re.compile(r"pack-(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_FAN_OUT = re.compile(r"[0-9a-f]{2}\Z")
_LOOSE = re.compile(r"(?:[0-9a-f]{38}|[0-9a-f]{62})\Z")

PINNING = frozenset({"keep", "promisor", "mtimes"})
"""Files beside a pack that say that it is not to be touched, is a partial clone's, or is of unreachable objects."""


@frozen
class Pack:
    """
    :param name: without a suffix: ``pack-<digest>``.
    :param size: of the ``.pack`` file, in bytes.
    :param pinned: it stays as it is.
    """

    name: str
    size: int
    pinned: bool = False


@frozen
class Statistics:
    """
    :param packs: complete ones only: with their index.
    :param loose_objects: how many of them there are.
    :param loose_refs: how many files there are below ``refs``.
    """

    packs: tuple[Pack, ...]
    loose_objects: int
    loose_refs: int = 0


def survey(path: str) -> Statistics:
    """
    Count, by reading directories: a few milliseconds unless there is a lot to do.

    :param path: the repository.
    """
    objects = join(path, "objects")
    loose = sum(1 for _ in loose_objects(objects))
    refs = sum(len(files) for _, _, files in os.walk(join(path, "refs")))
    return Statistics(tuple(_packs(objects)), loose, refs)


def loose_objects(objects: str) -> Iterator[str]:
    """
    The ids of the loose objects in an object directory, sorted.
    """
    for directory in sorted(filter(_FAN_OUT.match, _names(objects))):
        for name in sorted(filter(_LOOSE.match, _names(join(objects, directory)))):
            yield directory + name


def _packs(objects: str) -> Iterator[Pack]:
    directory = join(objects, "pack")
    suffixes: dict[str, set[str]] = {}
    for name in _names(directory):
        stem, _, suffix = name.partition(".")
        if _PACK.match(stem):
            suffixes.setdefault(stem, set()).add(suffix)
    for stem, found in sorted(suffixes.items()):
        if not found >= {"pack", "idx"}:
            continue
        try:
            size = os.stat(join(directory, f"{stem}.pack")).st_size
        except FileNotFoundError:
            continue
        yield Pack(stem, size, bool(found & PINNING))


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []
