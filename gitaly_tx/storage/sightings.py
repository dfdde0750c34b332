"""
Finding a repository that was found before.

To find one takes a look at a dozen names. Nearly always they are what they were at the last call, and the repository's own
directory proves most of that: what is in it cannot be made, removed, replaced or turned into a link without its times changing.
So only the way there is looked at again.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from typing import Final

from attrs import frozen

from ..git.fileidentity import FileIdentity, identity_of
from . import locator, walk
from .interfaces import StorageInfo
from .locator import Located
from .naming import place_in

MOST: Final = 4096
"""Repositories that are remembered."""


@frozen
class _Sighting:
    """
    :param way: the directories from the storage to the repository, which is the last. None of them was a link.
    :param identity: the repository's directory, as it was before anything else was looked at.
    """

    located: Located
    way: tuple[str, ...]
    identity: FileIdentity


class Sightings:
    """
    Repositories without a quarantine, as :func:`gitaly_tx.storage.locator.locate` finds them. Safe to use from many threads.

    :param now: the wall clock in nanoseconds.
    """

    def __init__(self, now: Callable[[], int] = time.time_ns) -> None:
        self._now = now
        self._seen: dict[tuple[str, str], _Sighting] = {}

    def locate(self, storage: StorageInfo, path: str) -> Located:
        """
        Find an existing repository. Blocks.

        :raises GitalyError: as :func:`gitaly_tx.storage.locator.locate`.
        """
        seen = self._seen.get((storage.name, path))
        if seen is not None and self._look(seen.way) == seen.identity:
            return seen.located
        locator.check_storage(storage)
        way = locator.on_the_way(storage.path, place_in(storage, path).path)
        identity = self._look(way)
        located = locator.locate(storage, path)
        if identity is not None and not identity.racy and way[-1] == located.place.absolute and _is_plain(way[-1]):
            if len(self._seen) >= MOST:
                self._seen.clear()
            self._seen[storage.name, path] = _Sighting(located, way, identity)
        return located

    def _look(self, way: tuple[str, ...]) -> FileIdentity | None:
        """
        What is at the end of a way without links; ``None`` if it is none.
        """
        found = None
        try:
            for path in way:
                found = os.lstat(path)
                if stat.S_ISLNK(found.st_mode):
                    return None
        except OSError:
            return None
        return None if found is None else identity_of(found, self._now())


def _is_plain(path: str) -> bool:
    """
    Whether nothing that makes a directory a repository is a link: where a link leads may change elsewhere.
    """
    return not any(os.path.islink(os.path.join(path, entry)) for entry in walk.ENTRIES)


__all__ = ["MOST", "Sightings"]
