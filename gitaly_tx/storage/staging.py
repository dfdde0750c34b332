"""
Quarantine directories.

``<storage>/+gitaly/staging/quarantine-<repository>-<random>/objects`` is where a write's new objects are made, on the same file
system as the repository, so that they get there by a link. The name begins as Gitaly's quarantines do, which is what tells
whose it is when a caller names it in a request. ``<storage>/+gitaly/staging/new-<random>`` is where a repository is prepared that
does not exist yet.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from posixpath import join, relpath
from tempfile import mkdtemp
from typing import NoReturn

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..git.directory import GitDirectory
from ..git.interfaces import GitObject
from ..git.objectid import ObjectFormat, ObjectID
from ..git.quarantine import make_object_directory, remove_tree, staged_files, write_loose_pieces
from ..wal.building import skeleton
from ..wal.interfaces import Creation, StagedFile
from ..wal.threads import InThread
from .errors import RepositoryGone, StagingFailed
from .held import Held
from .interfaces import IStaging
from .naming import STAGING, Place, quarantine_prefix
from .partitions import Lifetime

Counted = Callable[[int], None]
"""Told ``1`` for every staging directory that is made and ``-1`` for every one that is gone."""

Forget = Callable[[GitDirectory], None]
"""Told of a quarantine that is about to go, so that nothing of it is kept open."""

log = Logger()


def uncounted(change: int) -> None:
    """
    For those who do not count.
    """


def unknown(directory: GitDirectory) -> None:
    """
    For those who keep nothing open.
    """


@frozen
class Stagings:
    """
    Makes staging directories.
    """

    _threads: InThread
    _counted: Counted = uncounted
    _forget: Forget = unknown

    def make(
        self, place: Place, directory: GitDirectory, object_format: ObjectFormat, lifetime: Lifetime | None = None
    ) -> Deferred[FilesystemStaging]:
        """
        Make a staging directory for a repository. If this is cancelled, the directory is removed as soon as it is made.

        :param lifetime: the repository's.
        """

        def quarantine(path: str) -> GitDirectory:
            return directory.quarantined(join(path, "objects"))

        return self._make(place, object_format, quarantine, _make, Lifetime() if lifetime is None else lifetime)

    def hold(
        self, place: Place, directory: GitDirectory, object_format: ObjectFormat, lifetime: Lifetime | None = None
    ) -> FilesystemStaging:
        """
        The same, with a directory that is made only when there is need for it.
        """
        path = join(place.storage.path, STAGING, quarantine_prefix(place.path) + secrets.token_hex(8))
        owner = Lifetime() if lifetime is None else lifetime
        counted = self._counting(owner)
        counted(1)
        return FilesystemStaging(
            directory=directory.quarantined(join(path, "objects")),
            object_format=object_format,
            root=place.storage.path,
            path=path,
            threads=self._threads,
            counted=counted,
            forget=self._forget,
            prunings=owner.prunings,
            held=Held(object_format),
        )

    def prepare(self, place: Place, object_format: ObjectFormat) -> Deferred[FilesystemStaging]:
        """
        Make a staging directory that is a repository of its own, for one that is to be made at ``place``.
        """
        creation = Creation(object_format, b"refs/heads/main")
        return self._make(place, object_format, GitDirectory, partial(_make_whole, creation), Lifetime())

    def _make(
        self,
        place: Place,
        object_format: ObjectFormat,
        directory_at: Callable[[str], GitDirectory],
        make: Callable[[Place], str],
        lifetime: Lifetime,
    ) -> Deferred[FilesystemStaging]:
        waiting: Deferred[FilesystemStaging] = Deferred()
        prunings, counted = lifetime.prunings, self._counting(lifetime)

        def made(path: str) -> None:
            staging = FilesystemStaging(
                directory=directory_at(path),
                object_format=object_format,
                root=place.storage.path,
                path=path,
                threads=self._threads,
                counted=counted,
                forget=self._forget,
                prunings=prunings,
            )
            if waiting.called:
                staging.discard()
            else:
                waiting.callback(staging)

        def failed(failure: Failure) -> None:
            counted(-1)
            if not waiting.called:
                waiting.errback(failure)

        counted(1)
        self._threads(make, place).addErrback(_told).addCallbacks(made, failed)
        return waiting

    def _counting(self, lifetime: Lifetime) -> Counted:
        def counted(change: int) -> None:
            lifetime.stagings += change
            self._counted(change)

        return counted


@implementer(IStaging)
@define(eq=False)
class FilesystemStaging:
    """
    A quarantine on disk. While a commit uses its files they are not taken away: :meth:`discard` waits for its end.

    :param root: the storage's directory.
    :param path: the staging directory.
    :param prunings: how often the repository had been pruned when this was asked for.
    :param held: objects that are in memory, while there is no directory; ``None`` once there is one.
    """

    directory: GitDirectory
    object_format: ObjectFormat
    root: str
    path: str
    _threads: InThread
    _counted: Counted = uncounted
    _forget: Forget = unknown
    prunings: int = 0
    _held: Held | None = None
    _lock: threading.Lock = field(factory=threading.Lock, init=False)
    _on_disk: bool = field(init=False)
    _users: int = field(default=0, init=False)
    _unwanted: bool = field(default=False, init=False)
    _removed: bool = field(default=False, init=False)
    _waiting: list[Deferred[None]] = field(factory=list, init=False)

    @_on_disk.default
    def _has_directory(self) -> bool:
        return self._held is None

    def write_object(self, type: bytes, data: bytes) -> Deferred[ObjectID]:
        """
        Add a loose object.
        """
        return self._threads(self.write_blocking, type, len(data), [data])

    def write_blocking(self, type: bytes, size: int, pieces: Iterable[bytes]) -> ObjectID:
        """
        Add a loose object, in this thread.
        """
        try:
            with self._lock:
                if self._held is not None and size <= self._held.room:
                    return self._held.add(type, b"".join(pieces))
                self._show()
            return write_loose_pieces(self._objects, self.object_format, type, size, pieces)
        except OSError as error:
            raise StagingFailed(error) from error

    @property
    def in_memory(self) -> bool:
        """
        Whether nobody can see yet what is in it.
        """
        return self._held is not None

    @property
    def held(self) -> Sequence[GitObject]:
        """
        What is in memory.
        """
        return () if self._held is None else self._held.objects

    def show(self) -> Deferred[None]:
        """
        Make the directory, with what was held in it.
        """
        return succeed(None) if self._held is None else self._threads(self._show_blocking)

    def scratch(self) -> Deferred[str]:
        """
        A directory beside the objects.
        """
        return self._threads(self._scratch).addErrback(_told)

    def staged(self) -> Deferred[tuple[StagedFile, ...]]:
        """
        All loose objects and packs; nothing that is still being written.
        """
        if self._held is not None:
            return succeed(self._held.staged())
        return self._threads(_staged, self._objects, self.root)

    def discard(self) -> Deferred[None]:
        """
        Remove everything, now or once the commit that uses it has ended.
        """
        done: Deferred[None] = Deferred()
        if self._removed:
            done.callback(None)
            return done
        self._waiting.append(done)
        if not self._unwanted:
            self._unwanted = True
            if not self._users:
                self._remove()
        return done

    @contextmanager
    def used(self) -> Iterator[None]:
        """
        Keep the files as long as a commit runs.

        :raises RepositoryGone: if they are gone already.
        """
        self.use()
        try:
            yield
        finally:
            self.release()

    def use(self) -> None:
        """
        A commit begins to use the files.

        :raises RepositoryGone: if they are gone already.
        """
        if self._unwanted:
            raise RepositoryGone(self.path)
        self._users += 1

    def release(self) -> None:
        """
        A commit is done with the files.
        """
        self._users -= 1
        if self._unwanted and not self._users:
            self._remove()

    @property
    def _objects(self) -> str:
        return join(self.path, "objects")

    def _show_blocking(self) -> None:
        try:
            with self._lock:
                self._show()
        except OSError as error:
            raise StagingFailed(error) from error

    def _show(self) -> None:
        if self._held is None:
            return
        if self._unwanted and not self._users:
            raise RepositoryGone(self.path)
        self._on_disk = True
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        os.makedirs(self.path, 0o700, exist_ok=True)
        make_object_directory(self._objects)
        self._held.write(self._objects)
        self._held = None

    def _scratch(self) -> str:
        with self._lock:
            self._show()
        return mkdtemp(prefix="scratch-", dir=self.path)

    def _erase(self) -> None:
        with self._lock:
            remove_tree(self.path)

    def _nothing_on_disk(self) -> bool:
        # Whoever has the lock may be making the directory just now.
        if not self._lock.acquire(blocking=False):
            return False
        try:
            return not self._on_disk
        finally:
            self._lock.release()

    def _remove(self) -> None:
        def left(failure: Failure) -> None:
            log.failure("cannot remove staging directory {path!r}; the next start tries again", failure, path=self.path)

        def over(result: None) -> None:
            self._removed = True
            self._counted(-1)
            waiting, self._waiting = self._waiting, []
            for one in waiting:
                if not one.called:
                    one.callback(None)

        if self._nothing_on_disk():
            over(None)
            return
        self._forget(self.directory)
        self._threads(self._erase).addErrback(left).addCallback(over)


def _told(failure: Failure) -> NoReturn:
    if isinstance(failure.value, OSError):
        raise StagingFailed(failure.value) from failure.value
    failure.raiseException()


def _make(place: Place) -> str:
    area = join(place.storage.path, STAGING)
    os.makedirs(area, exist_ok=True)
    path = mkdtemp(prefix=quarantine_prefix(place.path), dir=area)
    make_object_directory(join(path, "objects"))
    return path


def _make_whole(creation: Creation, place: Place) -> str:
    area = join(place.storage.path, STAGING)
    os.makedirs(area, exist_ok=True)
    path = mkdtemp(prefix="new-", dir=area)
    skeleton(path, creation)
    return path


def _staged(objects: str, root: str) -> tuple[StagedFile, ...]:
    source = relpath(objects, root)
    return tuple(StagedFile(join(source, name), join("objects", name)) for name in staged_files(objects))
