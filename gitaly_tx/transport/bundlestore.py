"""
Bundles of repositories, in files.

Each file's name says all that is to be known of it: ``<repository>-<mark>-<name>.bundle``. The mark is that of the repository as
it was when the bundle was made; a repository with another mark is another one, or one whose config says something else by now.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from secrets import token_hex

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ..git.directory import GitDirectory
from ..git.fileidentity import identify
from ..storage.threads import Threads
from ..wal.interfaces import Partition
from ..wal.layout import sync_path

_FILE = re.compile(r"(?P<repository>[0-9a-f]{32})-(?P<mark>[0-9a-f]{32})-(?P<name>[0-9a-f]{32})\.bundle\Z")

_BEGUN = "begun-"

MOST_CONFIG = 1 << 20
"""Bytes of a config file that are looked at; a larger one is none that a bundle is made for."""


@frozen
class Bundle:
    """
    One that is kept.

    :param repository: whose it is, in the store's own words.
    :param mark: of the repository when it was made.
    :param name: what clients call it; nobody can guess it.
    :param size: in bytes.
    :param made: when, in seconds since the epoch.
    """

    repository: str
    mark: str
    name: str
    size: int
    made: float


@define(eq=False)
class BundleStore:
    """
    At most one bundle for each repository. All that blocks is done in threads; what is there is known without looking.

    :param directory: where; made when it is needed. Nobody else writes there.
    :param max_size: bytes of all bundles, after which the oldest go first.
    :param max_age: seconds after which a bundle is not handed out any more.
    :param now: the wall clock, in seconds.
    """

    directory: str
    max_size: int
    max_age: float
    _threads: Threads
    _now: Callable[[], float]
    _bundles: dict[str, Bundle] = field(factory=dict, init=False)

    async def start(self) -> None:
        """
        Find what is there, and remove what is of no use.
        """
        self._bundles = await self._threads.run(self._read)
        await self.sweep()

    def find(self, partition: Partition) -> Bundle | None:
        """
        The bundle of a repository, unless it is too old. Whether it is still of use its mark tells.
        """
        bundle = self._bundles.get(key_of(partition))
        return None if bundle is None or self.age(bundle) > self.max_age else bundle

    def age(self, bundle: Bundle) -> float:
        """
        Seconds since it was made.
        """
        return self._now() - bundle.made

    def path(self, bundle: Bundle) -> str:
        """
        Its file.
        """
        return os.path.join(self.directory, f"{bundle.repository}-{bundle.mark}-{bundle.name}.bundle")

    def begin(self) -> Deferred[tuple[int, str]]:
        """
        A new file, that is to become a bundle. If it is not waited for it does not stay.

        :returns: fires with a descriptor, which the caller closes, and a path, which goes to :func:`keep` or :func:`drop`; fails
            with an OSError if there can be none.
        """
        waiting: Deferred[tuple[int, str]] = Deferred()

        def begun(result: tuple[int, str] | Failure) -> Deferred[None] | None:
            if not waiting.called:
                waiting.callback(result)  # a Failure calls the errbacks
            elif not isinstance(result, Failure):
                os.close(result[0])
                return self._threads.run(_remove, result[1])
            return None

        self._threads.run(self._begin).addBoth(begun)
        return waiting

    async def keep(self, path: str, partition: Partition, mark: str) -> Bundle:
        """
        Make a file that is complete the repository's bundle, durably, in the place of the one before.
        """
        bundle = await self._threads.run(self._keep, path, key_of(partition), mark)
        before = self._bundles.pop(bundle.repository, None)
        self._bundles[bundle.repository] = bundle
        if before is not None:
            await self._threads.run(_remove, self.path(before))
        await self.sweep()
        return bundle

    async def drop(self, path: str) -> None:
        """
        Give up a file that was begun. Safe to repeat, and after :func:`keep`.
        """
        await self._threads.run(_remove, path)

    async def forget(self, bundle: Bundle) -> None:
        """
        Remove a bundle. Whoever reads it now may go on.
        """
        if self._bundles.get(bundle.repository) == bundle:
            del self._bundles[bundle.repository]
        await self._threads.run(_remove, self.path(bundle))

    async def sweep(self) -> None:
        """
        Remove what is too old, and the oldest of what is too much.
        """
        for bundle in list(self._superfluous()):
            await self.forget(bundle)

    def _superfluous(self) -> Iterator[Bundle]:
        size = 0
        for bundle in sorted(self._bundles.values(), key=lambda each: each.made, reverse=True):
            size += bundle.size
            if size > self.max_size or self.age(bundle) > self.max_age:
                yield bundle

    def _read(self) -> dict[str, Bundle]:
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        found: list[Bundle] = []
        with os.scandir(self.directory) as entries:
            for entry in entries:
                match = _FILE.match(entry.name)
                if match is not None:
                    status = entry.stat()
                    found.append(Bundle(match["repository"], match["mark"], match["name"], status.st_size, status.st_mtime))
                elif entry.name.startswith(_BEGUN):
                    _remove(entry.path)
        newest: dict[str, Bundle] = {}
        for bundle in sorted(found, key=lambda each: each.made):
            if bundle.repository in newest:
                _remove(self.path(newest[bundle.repository]))
            newest[bundle.repository] = bundle
        return newest

    def _begin(self) -> tuple[int, str]:
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        return tempfile.mkstemp(prefix=_BEGUN, dir=self.directory)

    def _keep(self, path: str, repository: str, mark: str) -> Bundle:
        sync_path(path)
        status = os.stat(path)
        bundle = Bundle(repository, mark, token_hex(16), status.st_size, status.st_mtime)
        os.rename(path, self.path(bundle))
        sync_path(self.directory)
        return bundle


def key_of(partition: Partition) -> str:
    """
    A repository's name in the names of files.
    """
    return hashlib.sha256(f"{partition.storage}\0{partition.path}".encode("utf-8", "surrogateescape")).hexdigest()[:32]


def mark_of(directory: GitDirectory) -> str | None:
    """
    What tells a repository from one that takes its place, and from itself with another config. Blocking.

    :returns: ``None`` if there is no telling, or if its history is cut, so that no bundle of it is whole.
    """
    path = os.path.join(directory.path, "config")
    try:
        with open(path, "rb") as file:
            identity, content = identify(file.fileno()), file.read(MOST_CONFIG + 1)
    except FileNotFoundError:
        return None
    if len(content) > MOST_CONFIG or os.path.exists(os.path.join(directory.path, "shallow")):
        return None
    told = f"{identity.device} {identity.inode} {identity.mtime} {identity.ctime} {identity.size} ".encode()
    return hashlib.sha256(told + content).hexdigest()[:32]


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


__all__ = ["Bundle", "BundleStore", "key_of", "mark_of"]
