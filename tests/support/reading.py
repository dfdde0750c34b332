"""
Repositories on disk, to be read as the server reads them: real refs, real objects, real threads.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from attrs import evolve, frozen
from twisted.internet import reactor
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.dulwichreader import ObjectReader
from gitaly_tx.git.interfaces import GitObject, IGit, IObjects, ObjectInfo, Reference, RefUpdate
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.git.refs import Refs
from gitaly_tx.storage.interfaces import IRepository, IStaging, IStorageProvider, ITurn, StorageInfo
from gitaly_tx.storage.staging import FilesystemStaging
from gitaly_tx.storage.threads import Threads
from gitaly_tx.wal.interfaces import FileChange, Partition
from gitaly_tx.writequeue.transaction import Outcome
from protocols.gitaly.shared_pb2 import Repository

from .git import program

T = TypeVar("T")


class Reading:
    """
    What reads repositories. Stop it after use.
    """

    def __init__(self, git: IGit) -> None:
        running: Any = reactor
        self._pool = ThreadPool(0, 4)
        self._pool.start()
        self.threads = Threads(running, self._pool)
        self.refs = Refs(running, self._pool, running, git)
        self.objects = ObjectReader(running, self._pool)

    def repository(self, directory: GitDirectory) -> IRepository:
        """
        A repository that can be read.
        """
        return _Repository(
            Partition("default", "thing.git"),
            directory,
            program().object_format(directory),
            self.refs,
            self.objects,
            self.threads,
        )

    def stop(self) -> None:
        """
        End the threads.
        """
        self._pool.stop()


@implementer(IRepository)
@frozen(eq=False)
class _Repository:
    partition: Partition
    directory: GitDirectory
    object_format: ObjectFormat
    _refs: Refs
    _objects: ObjectReader
    _threads: Threads

    def ref(self, name: bytes) -> Awaitable[Reference | None]:
        return self._refs.read(self.directory, name)

    def refs(self, prefixes: Sequence[bytes] = (b"refs/",), hidden: Sequence[bytes] = ()) -> Awaitable[list[Reference]]:
        return self._refs.list(self.directory, prefixes, hidden)

    def head(self) -> Awaitable[bytes | None]:
        return self._refs.head(self.directory)

    def object(self, oid: ObjectID, maximum: int | None = None) -> Awaitable[GitObject]:
        return self._objects.read(self.directory, oid, maximum)

    def object_info(self, oids: Sequence[ObjectID]) -> Awaitable[list[ObjectInfo | None]]:
        return self._objects.info(self.directory, oids)

    def peel(self, oids: Sequence[ObjectID]) -> Awaitable[list[ObjectID | None]]:
        return self._objects.peel(self.directory, oids)

    def look(self, job: Callable[[IObjects], T]) -> Awaitable[T]:
        return self._objects.look(self.directory, job)

    def glance(self, job: Callable[[IObjects], T]) -> Awaitable[T]:
        return self._objects.glance(self.directory, job)

    def through(self, staging: IStaging) -> IRepository:
        return evolve(self, directory=staging.directory)

    async def stage(self, held: bool = False) -> IStaging:
        root = os.path.dirname(self.directory.path)
        path = tempfile.mkdtemp(prefix="quarantine-", dir=root)
        os.makedirs(os.path.join(path, "objects", "pack"))
        directory = self.directory.quarantined(os.path.join(path, "objects"))
        return FilesystemStaging(directory, self.object_format, root, path, self._threads)

    async def commit(
        self,
        refs: Sequence[RefUpdate] = (),
        *,
        atomic: bool = True,
        staging: IStaging | None = None,
        head: bytes | None = None,
        files: Sequence[FileChange] = (),
        admitted: Callable[[], Awaitable[bytes | None]] | None = None,
    ) -> Outcome:
        raise NotImplementedError

    async def turn(self, job: Callable[[ITurn], Awaitable[T]], others: Sequence[IRepository] = ()) -> T:
        raise NotImplementedError

    async def maintain(self, job: Callable[[], Awaitable[None]]) -> None:
        raise NotImplementedError


@implementer(IStorageProvider)
class GivenRepositories:
    """
    A storage that has exactly the repositories that it was given, by relative path.
    """

    def __init__(self, repositories: dict[str, IRepository]) -> None:
        self.storages: dict[str, StorageInfo] = {}
        self.repositories = repositories
        self.created: list[str] = []

    async def repository(self, message: Repository | None) -> IRepository:
        """
        As :func:`IStorageProvider.repository`.
        """
        if message is None:
            raise GitalyError("repository not set", Code.INVALID_ARGUMENT)
        if message.relative_path not in self.repositories:
            raise GitalyError("repository not found", Code.NOT_FOUND)
        return self.repositories[message.relative_path]

    async def exists(self, message: Repository | None) -> bool:
        """
        As :func:`IStorageProvider.exists`.
        """
        if message is None:
            raise GitalyError("repository not set", Code.INVALID_ARGUMENT)
        return message.relative_path in self.repositories

    async def resolve(self, path: str, storage: str | None = None) -> tuple[Repository, bool]:
        """
        Not needed.
        """
        raise NotImplementedError

    async def prepare(
        self, message: Repository | None, *, object_format: ObjectFormat = ObjectFormat.SHA1, replacing: bool = False
    ) -> IStaging:
        """
        Not needed.
        """
        raise NotImplementedError

    async def create(
        self,
        message: Repository | None,
        *,
        object_format: ObjectFormat = ObjectFormat.SHA1,
        default_branch: bytes = b"refs/heads/main",
        backend: str = "files",
        staging: IStaging | None = None,
        refs: Mapping[bytes, ObjectID] | None = None,
        files: Sequence[FileChange] = (),
    ) -> IRepository:
        """
        Remembers what was to be created.
        """
        assert message is not None
        self.created.append(message.relative_path)
        return next(iter(self.repositories.values()))

    async def retract(self, repository: IRepository) -> bool:
        """
        Remembers what was taken back.
        """
        self.created.pop()
        return True

    async def remove(self, message: Repository | None) -> None:
        """
        Not needed.
        """
        raise NotImplementedError
