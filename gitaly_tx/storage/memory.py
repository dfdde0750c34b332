"""
Repositories that are nowhere but in memory: what a test of a service needs, and what keeps the interfaces honest.

Names are checked by the same rules as on disk, as far as they need no disk.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from posixpath import join, normpath
from typing import TypeVar

from attrs import Factory, define, evolve, frozen
from zope.interface import implementer

from protocols.gitaly.shared_pb2 import Repository

from ..git.directory import GitDirectory
from ..git.interfaces import GitObject, IObjects, ObjectInfo, Reference, RefUpdate
from ..git.memory import MemoryObjectReader, MemoryRefs
from ..git.names import is_valid_ref
from ..git.objectid import ObjectFormat, ObjectID
from ..wal.interfaces import FileChange, Head, Partition
from ..writequeue.transaction import Outcome
from .errors import (
    AlreadyExists,
    BadDefaultBranch,
    PathNested,
    PathRefused,
    QuarantinedMutation,
    RepositoryGone,
    RepositoryNotFound,
    StorageUnknown,
)
from .firstrefs import first_refs
from .interfaces import IRepository, IStaging, IStorageProvider, ITurn, StorageInfo
from .memorystaging import MemoryStaging
from .naming import STAGING, Place, has_quarantine, place_in, quarantine_prefix, required, storage_of
from .partitions import partition_of
from .resolve import candidates, checked, creation_path

T = TypeVar("T")


@define(eq=False)
class Contents:
    """
    What a repository has besides refs and objects.

    :param writes: how many there were.
    :param opened: how often somebody asked for it.
    """

    object_format: ObjectFormat
    files: dict[str, bytes] = Factory(dict)
    writes: int = 0
    opened: int = 0
    removed: bool = False


@implementer(IRepository)
@frozen(eq=False)
class MemoryRepository:
    """
    A view of a repository in memory; writes happen at once.
    """

    partition: Partition
    directory: GitDirectory
    object_format: ObjectFormat
    contents: Contents
    _provider: MemoryStorageProvider

    def ref(self, name: bytes) -> Awaitable[Reference | None]:
        """
        One ref, or HEAD.
        """
        return self._provider.refs.read(self.directory, name)

    def refs(self, prefixes: Sequence[bytes] = (b"refs/",), hidden: Sequence[bytes] = ()) -> Awaitable[list[Reference]]:
        """
        All refs below ``prefixes`` and not below ``hidden``.
        """
        return self._provider.refs.list(self.directory, prefixes, hidden)

    def head(self) -> Awaitable[bytes | None]:
        """
        The ref that HEAD is a name for.
        """
        return self._provider.refs.head(self.directory)

    def object(self, oid: ObjectID, maximum: int | None = None) -> Awaitable[GitObject]:
        """
        One object.
        """
        return self._provider.objects.read(self.directory, oid, maximum)

    def object_info(self, oids: Sequence[ObjectID]) -> Awaitable[list[ObjectInfo | None]]:
        """
        Types and sizes.
        """
        return self._provider.objects.info(self.directory, oids)

    def peel(self, oids: Sequence[ObjectID]) -> Awaitable[list[ObjectID | None]]:
        """
        What tags stand for.
        """
        return self._provider.objects.peel(self.directory, oids)

    def look(self, job: Callable[[IObjects], T]) -> Awaitable[T]:
        """
        Several look-ups in one turn in a thread.
        """
        return self._provider.objects.look(self.directory, job)

    def glance(self, job: Callable[[IObjects], T]) -> Awaitable[T]:
        """
        Several look-ups in one turn in a thread.
        """
        return self._provider.objects.glance(self.directory, job)

    async def stage(self, held: bool = False) -> IStaging:
        """
        Begin a write.
        """
        self._writable()
        return self._provider.make_staging(self)

    def through(self, staging: IStaging) -> IRepository:
        """
        With what is in a quarantine.
        """
        return evolve(self, directory=staging.directory)

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
        """
        Write.
        """
        if staging is not None and not isinstance(staging, MemoryStaging):
            raise TypeError("staging of another provider")
        self._writable()
        if admitted is not None:
            head = await admitted() or head
        staged = () if staging is None else await staging.staged()
        prepared = await self._provider.refs.prepare(self.directory, refs, head=head)
        accepted = [update for update in refs if update.name not in prepared.refused]
        if (prepared.refused and atomic) or not (accepted or staged or head or files):
            await prepared.abort()
            written = None
        else:
            if staging is not None:
                self._provider.objects.migrate(staging.objects, self.directory)
            self._change_files(files)
            await prepared.commit()
            self.contents.writes += 1
            written = Head(lsn=self.contents.writes)
        if staging is not None and (written is not None or not prepared.refused):
            await staging.discard()
        return Outcome(dict(prepared.refused), written)

    async def turn(self, job: Callable[[ITurn], Awaitable[T]], others: Sequence[IRepository] = ()) -> T:
        """
        Run ``job``.
        """
        self._writable()
        return await job(MemoryTurn(self))

    async def maintain(self, job: Callable[[], Awaitable[None]]) -> None:
        """
        Run ``job``.
        """
        self._writable()
        await job()

    def _writable(self) -> None:
        if self.directory.object_directory is not None or self.directory.alternates:
            raise QuarantinedMutation(self.partition.path)
        if self.contents.removed:
            raise RepositoryGone(self.partition.path)

    def _change_files(self, changes: Sequence[FileChange]) -> None:
        files = self.contents.files
        for change in changes:
            for path in [path for path in files if f"{path}/".startswith(f"{change.path}/")]:
                del files[path]
            if change.content is not None and not change.is_directory:
                files[change.path] = change.content


@implementer(ITurn)
@frozen
class MemoryTurn:
    """
    It is always everybody's turn.
    """

    _repository: MemoryRepository

    async def commit(
        self,
        refs: Sequence[RefUpdate] = (),
        *,
        atomic: bool = True,
        staging: IStaging | None = None,
        head: bytes | None = None,
        files: Sequence[FileChange] = (),
    ) -> Outcome:
        """
        Write.
        """
        return await self._repository.commit(refs, atomic=atomic, staging=staging, head=head, files=files)

    def quiet(self, staging: IStaging) -> bool:
        """
        Nobody else is there.
        """
        return True

    def pruned(self) -> None:
        """
        Nothing is ever pruned.
        """


@implementer(IStorageProvider)
class MemoryStorageProvider:
    """
    Storages in memory.

    :param storages: their paths are names and nothing else.
    """

    def __init__(self, storages: Sequence[StorageInfo]) -> None:
        self.storages: Mapping[str, StorageInfo] = {storage.name: storage for storage in storages}
        self.refs = MemoryRefs()
        self.objects = MemoryObjectReader()
        self._contents: dict[Partition, Contents] = {}
        self._numbers = count(1)

    async def repository(self, message: Repository | None) -> IRepository:
        """
        Find a repository.
        """
        storage = storage_of(message, self.storages)
        named = required(message)
        place = place_in(storage, named.relative_path)
        directory = GitDirectory(
            place.absolute,
            _below(place, named.git_object_directory) if named.git_object_directory else None,
            tuple(_below(place, alternate) for alternate in named.git_alternate_object_directories),
        )
        return self._view(place, directory)

    async def exists(self, message: Repository | None) -> bool:
        """
        Look for a repository.
        """
        storage = storage_of(message, self.storages)
        return partition_of(place_in(storage, required(message).relative_path)) in self._contents

    async def resolve(self, path: str, storage: str | None = None) -> tuple[Repository, bool]:
        """
        Find a repository by the path in a clone URL.
        """
        name = next(iter(self.storages)) if storage is None else storage
        if name not in self.storages:
            raise StorageUnknown(name)
        for candidate in candidates(checked(path)):
            if partition_of(place_in(self.storages[name], candidate)) in self._contents:
                return Repository(storage_name=name, relative_path=candidate), True
        return Repository(storage_name=name, relative_path=creation_path(checked(path))), False

    async def prepare(
        self, message: Repository | None, *, object_format: ObjectFormat = ObjectFormat.SHA1, replacing: bool = False
    ) -> IStaging:
        """
        Begin a repository.
        """
        place = self._mutable(message) if replacing else self._vacant(message)
        directory = GitDirectory(join(place.storage.path, STAGING, f"new-{next(self._numbers)}"))
        return MemoryStaging(directory, object_format, place.storage.path, self.objects)

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
        Make a repository.
        """
        place = self._vacant(message)
        if not is_valid_ref(default_branch):
            raise BadDefaultBranch(place.path, default_branch.removeprefix(b"refs/heads/"))
        if staging is not None and not (isinstance(staging, MemoryStaging) and staging.object_format is object_format):
            raise TypeError("staging of another provider or format")
        if refs is None:
            listed = [] if staging is None else await self.refs.list(staging.directory)
            refs = {reference.name: reference.target for reference in listed}
        updates = first_refs(refs, object_format)
        directory = GitDirectory(place.absolute)
        if staging is not None:
            self.objects.migrate(staging.objects, directory)
            await staging.discard()
        await self.refs.force(directory, updates)
        await self.refs.set_head(directory, default_branch)
        self._contents[partition_of(place)] = Contents(object_format, {file.path: file.content for file in files if file.content})
        return self._view(place, directory)

    async def remove(self, message: Repository | None) -> None:
        """
        Remove a repository.
        """
        place = self._mutable(message)
        contents = self._contents.pop(partition_of(place), None)
        if contents is None:
            raise RepositoryGone(place.path)
        contents.removed = True
        self.refs.forget(GitDirectory(place.absolute))
        self.objects.forget(GitDirectory(place.absolute))

    async def retract(self, repository: IRepository) -> bool:
        """
        Remove what was made for nothing.
        """
        if not isinstance(repository, MemoryRepository):
            raise TypeError("repository of another provider")
        contents = repository.contents
        if contents.removed or contents.opened > 1 or await repository.refs():
            return False
        partition = repository.partition
        await self.remove(Repository(storage_name=partition.storage, relative_path=partition.path))
        return True

    def make_staging(self, repository: MemoryRepository) -> MemoryStaging:
        """
        A new quarantine for a repository.
        """
        root = self.storages[repository.partition.storage].path
        name = f"{quarantine_prefix(repository.partition.path)}{next(self._numbers)}"
        directory = repository.directory.quarantined(join(root, STAGING, name, "objects"))
        return MemoryStaging(directory, repository.object_format, root, self.objects)

    def _vacant(self, message: Repository | None) -> Place:
        place = self._mutable(message)
        others = [partition.path for partition in self._contents if partition.storage == place.storage.name]
        if any(place.path.startswith(f"{other}/") for other in others):
            raise PathNested(place.path)
        if any(f"{other}/".startswith(f"{place.path}/") for other in others):
            raise AlreadyExists(place.path).wrapped("creating repository")
        return place

    def _mutable(self, message: Repository | None) -> Place:
        storage = storage_of(message, self.storages)
        named = required(message)
        if has_quarantine(named):
            raise QuarantinedMutation(named.relative_path)
        place = place_in(storage, named.relative_path)
        if place.is_root:
            raise PathRefused("repository path is the storage itself", named.relative_path)
        return place

    def _view(self, place: Place, directory: GitDirectory) -> MemoryRepository:
        partition = partition_of(place)
        contents = self._contents.get(partition)
        if contents is None:
            raise RepositoryNotFound(place.path)
        contents.opened += 1
        return MemoryRepository(partition, directory, contents.object_format, contents, self)


def _below(place: Place, relative: str) -> str:
    return normpath(join(place.absolute, relative.lstrip("/")))
