"""
From a repository to its place in the write queue, and what is known of that place while somebody uses it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from attrs import define, field

from ..wal.interfaces import Partition
from .errors import WriteInTheWay
from .naming import Place


def partition_of(place: Place) -> Partition:
    """
    The partition of a repository: one for each repository, by its path with all symbolic links resolved.
    """
    return Partition(place.storage.name, place.path)


@define(eq=False)
class Lifetime:
    """
    One repository from its creation, or its being found, to its removal. Another one at the same path has another lifetime.
    """

    over: bool = False


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
