"""
From a repository to its place in the write queue, and what is known of that place while somebody uses it.

A repository has a log of its own, named by its path: its *partition*. It stands in a *line* of the write queue: its own, or that
of the repository that it borrows objects from, so that an object pool and its members never write at the same time. Which line
that is says ``objects/info/alternates``, whoever wrote it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from posixpath import dirname, join, relpath
from weakref import WeakValueDictionary

from attrs import define, field

from ..git.alternates import DEPTH, read_alternates
from ..wal.entry import tag_of
from ..wal.interfaces import Partition
from .errors import WriteInTheWay
from .naming import INTERNAL, Place, is_inside


def partition_of(place: Place) -> Partition:
    """
    The partition of a repository: one for each repository, by its path with all symbolic links resolved.
    """
    return Partition(place.storage.name, place.path)


def line_of(place: Place) -> Partition:
    """
    The line that a repository's writes stand in: that of the repository which it borrows from in the end, if that is in the same
    storage. Blocks.
    """
    if not read_alternates(f"{place.absolute}/objects"):
        return partition_of(place)  # as nearly all
    root = os.path.realpath(place.storage.path)
    path = join(root, place.path)
    for _ in range(DEPTH):
        borrowed = read_alternates(join(path, "objects"))[:1]
        lender = dirname(os.path.realpath(borrowed[0])) if borrowed else root
        if lender == root or not is_inside(lender, root) or is_inside(lender, join(root, INTERNAL)):
            break
        path = lender
    return Partition(place.storage.name, relpath(path, root))


def number_of(partition: Partition) -> int:
    """
    A number for a partition, the same at all times and on all servers: 63 bits of a digest of its path.
    """
    return int.from_bytes(tag_of(partition.path)[:8], "big") >> 1


@define(eq=False)
class Lifetime:
    """
    One repository from its creation, or its being found, to its removal. Another one at the same path has another lifetime.

    :param prunings: how often objects were removed that nobody needed. Who has looked at the objects before the last time must
        not make anything refer to them.
    :param stagings: how many writes are being prepared.
    :param opened: how often somebody asked for it.
    """

    over: bool = False
    prunings: int = 0
    stagings: int = 0
    opened: int = 0


@define(eq=False)
class Lifetimes:
    """
    The lifetimes that somebody still holds. A removed repository's writers learn from theirs that it is over, even if another
    repository is at its path by then.
    """

    _known: WeakValueDictionary[Partition, Lifetime] = field(factory=WeakValueDictionary)

    def of(self, partition: Partition) -> Lifetime:
        """
        The present lifetime.
        """
        lifetime = self._known.get(partition)
        if lifetime is None:
            lifetime = self._known[partition] = Lifetime()
        return lifetime

    def end(self, partition: Partition) -> None:
        """
        Note that a repository was removed.
        """
        lifetime = self._known.pop(partition, None)
        if lifetime is not None:
            lifetime.over = True


@define(eq=False)
class Claims:
    """
    Paths that are being made or removed at this moment.

    A directory and what is below it are different partitions, so nothing else keeps ``a`` and ``a/b.git`` from being made at
    once.
    Only creations and removals need a claim: a repository that exists is protected by being seen.
    """

    _held: Counter[Partition] = field(factory=Counter)

    @contextmanager
    def claim(self, partition: Partition) -> Iterator[None]:
        """
        Hold a path.

        :raises WriteInTheWay: if a path above or below is held.
        """
        if any(_related(held, partition) for held in self._held):
            raise WriteInTheWay(partition.path)
        self._held[partition] += 1
        try:
            yield
        finally:
            self._held[partition] -= 1
            if not self._held[partition]:
                del self._held[partition]


def _related(one: Partition, other: Partition) -> bool:
    return one.storage == other.storage and (one.path.startswith(f"{other.path}/") or other.path.startswith(f"{one.path}/"))
