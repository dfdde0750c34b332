"""
The repositories of this server's disks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from attrs import evolve
from zope.interface import implementer

from protocols.gitaly.shared_pb2 import Repository

from ..errors import GitalyError
from ..git.directory import GitDirectory
from ..git.interfaces import IObjectReader, IRefs
from ..git.names import is_valid_ref
from ..git.objectid import ObjectFormat, ObjectID
from ..wal.interfaces import Creation, FileChange, Manifest, Partition
from ..wal.threads import InThread
from ..warm import NEVER, Warm
from ..writequeue.interfaces import ICommitter, IWriteQueue
from ..writequeue.transaction import Transaction
from . import locator
from .errors import (
    AlreadyExists,
    BadDefaultBranch,
    CreationLocked,
    PathUnreadable,
    QuarantinedMutation,
    RepositoryGone,
    RepositoryNotFound,
    RepositoryNotValid,
    StorageUnknown,
)
from .firstrefs import first_refs
from .interfaces import IRepository, IStaging, IStorageProvider, StorageInfo
from .naming import Place, has_quarantine, required, storage_of
from .partitions import Claims, Lifetimes, line_of, partition_of
from .repository import FilesystemRepository, Means
from .resolve import candidates, checked, creation_path
from .sightings import Sightings
from .staging import Counted, FilesystemStaging, Stagings, uncounted
from .turns import Turns

CREATING = "creating repository"


@implementer(IStorageProvider)
class FilesystemStorageProvider:
    """
    Repositories below the configured directories, wherever they lie and whoever made them.

    Every question is at most one trip to a thread. Creations and removals look at the disk before they stand in line, to answer
    what is plain at once, and again when their turn has come.

    :param storages: in the order of the configuration.
    :param committers: one for each storage, by name.
    :param object_format: reads a repository's object format; called in a thread.
    :param counted: told of every staging directory that comes and goes.
    :param warm: says where repositories are looked for that were found a moment ago.
    """

    def __init__(
        self,
        storages: Sequence[StorageInfo],
        *,
        refs: IRefs,
        objects: IObjectReader,
        queue: IWriteQueue,
        committers: Mapping[str, ICommitter],
        object_format: Callable[[GitDirectory], ObjectFormat],
        threads: InThread,
        counted: Counted = uncounted,
        warm: Warm = NEVER,
    ) -> None:
        self._warm = warm
        self.storages: Mapping[str, StorageInfo] = {storage.name: storage for storage in storages}
        self._objects = objects
        self._refs = refs
        self._queue = queue
        self._object_format = object_format
        self._threads = threads
        self._sightings = Sightings()
        self._lifetimes = Lifetimes()
        self._claims = Claims()
        stagings = Stagings(threads, counted, objects.forget)
        self._turns = Turns(queue, threads, warm)
        self._means = {name: Means(refs, objects, self._turns, committers[name], stagings) for name in self.storages}

    async def repository(self, message: Repository | None) -> IRepository:
        """
        Find a repository.
        """
        storage = storage_of(message, self.storages)
        return await self._open(storage, required(message))

    async def exists(self, message: Repository | None) -> bool:
        """
        Look for a repository.
        """
        storage = storage_of(message, self.storages)
        try:
            path = required(message).relative_path
            await self._warm.look((f"{storage.path}/{path}", None), self._threads, self._sightings.locate, storage, path)
        except (RepositoryNotFound, RepositoryNotValid):
            return False
        return True

    async def resolve(self, path: str, storage: str | None = None) -> tuple[Repository, bool]:
        """
        Find a repository by the path in a clone URL.
        """
        name = next(iter(self.storages)) if storage is None else storage
        if name not in self.storages:
            raise StorageUnknown(name)
        found = await self._threads(_first, self.storages[name], checked(path))
        return Repository(storage_name=name, relative_path=found or creation_path(checked(path))), found is not None

    async def prepare(
        self, message: Repository | None, *, object_format: ObjectFormat = ObjectFormat.SHA1, replacing: bool = False
    ) -> IStaging:
        """
        Make a repository of nobody's in the staging area.
        """
        storage = storage_of(message, self.storages)
        named = _mutable(message)
        if replacing:
            place = await self._threads(locator.intended, storage, named.relative_path)
        else:
            place = await self._vacant(storage, named)
        return await self._means[storage.name].stagings.prepare(place, object_format)

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
        Make a repository. Of several who ask at once, one succeeds.
        """
        storage = storage_of(message, self.storages)
        named = _mutable(message)
        place = await self._vacant(storage, named)
        if not is_valid_ref(default_branch):
            raise BadDefaultBranch(place.path, default_branch.removeprefix(b"refs/heads/"))
        if staging is not None and not (isinstance(staging, FilesystemStaging) and staging.object_format is object_format):
            raise TypeError("staging of another provider or format")
        if refs is None:
            refs = {} if staging is None else await self._refs_of(staging.directory)
        creation = Creation(object_format, default_branch, backend)
        updates = await self._threads(first_refs, refs, object_format)  # there may be very many
        manifest = Manifest(partition_of(place), creation, tuple(files), refs=updates)
        try:
            return await self._queue.submit(manifest.partition, partial(self._create, place, named, manifest, staging))
        except GitalyError as error:
            raise error.wrapped(CREATING) from error

    async def remove(self, message: Repository | None) -> None:
        """
        Remove a repository. Those who are reading it go on as long as their files are open.
        """
        storage = storage_of(message, self.storages)
        named = _mutable(message)
        place, line = await self._threads(_removable, storage, named.relative_path)
        await self._turns.take({place: line}, _nothing, partial(self._remove, place, named))

    async def retract(self, repository: IRepository) -> bool:
        """
        Remove what was made for nothing.
        """
        if not isinstance(repository, FilesystemRepository):
            raise TypeError("repository of another provider")
        return await self._turns.take({repository.place: repository.line}, _nothing, partial(self._retract, repository))

    async def _open(self, storage: StorageInfo, message: Repository) -> FilesystemRepository:
        if has_quarantine(message):
            found, line, object_format = await self._threads(self._inspect, storage, message)
        else:
            key = (f"{storage.path}/{message.relative_path}", message.relative_path)
            found, line, object_format = await self._warm.look(key, self._threads, self._inspect, storage, message)
        partition = partition_of(found.place)
        lifetime = self._lifetimes.of(partition)
        lifetime.opened += 1
        return FilesystemRepository(
            partition=partition,
            line=line,
            directory=found.directory,
            object_format=object_format,
            place=found.place,
            identity=found.identity,
            lifetime=lifetime,
            prunings=lifetime.prunings,
            means=self._means[storage.name],
        )

    def _inspect(
        self, storage: StorageInfo, message: Repository
    ) -> tuple[locator.Located, Partition, ObjectFormat | GitalyError]:
        if has_quarantine(message):
            found = locator.locate(
                storage, message.relative_path, message.git_object_directory, message.git_alternate_object_directories
            )
        else:
            found = self._sightings.locate(storage, message.relative_path)
        line = line_of(found.place)
        try:
            return found, line, self._object_format(found.directory)
        except GitalyError as error:
            return found, line, error

    async def _vacant(self, storage: StorageInfo, message: Repository) -> Place:
        try:
            return await self._threads(locator.vacant, storage, message.relative_path)
        except (AlreadyExists, CreationLocked) as error:
            raise error.wrapped(CREATING) from None

    async def _refs_of(self, directory: GitDirectory) -> dict[bytes, ObjectID]:
        return {reference.name: reference.target for reference in await self._refs.list(directory)}

    async def _create(
        self, place: Place, message: Repository, manifest: Manifest, staging: FilesystemStaging | None
    ) -> IRepository:
        with self._claims.claim(manifest.partition):
            now = await self._threads(locator.vacant, place.storage, message.relative_path)
            if now != place:
                raise RepositoryGone(place.path)
            self._lifetimes.end(manifest.partition)
            if staging is None:
                await self._committer(place).commit(Transaction(manifest))
            else:
                with staging.used():
                    whole = evolve(manifest, staged=await staging.staged())
                    await self._committer(place).commit(Transaction(whole))
                await staging.discard()
            self._objects.forget(GitDirectory(place.absolute))
        return await self._open(place.storage, message)

    async def _remove(self, place: Place, message: Repository) -> None:
        partition = partition_of(place)
        with self._claims.claim(partition):
            now = await self._threads(locator.removable, place.storage, message.relative_path)
            if now != place:
                raise RepositoryGone(place.path)
            await self._committer(place).commit(Transaction(Manifest(partition, remove=True)))
            self._lifetimes.end(partition)
            self._objects.forget(GitDirectory(place.absolute))

    async def _retract(self, repository: FilesystemRepository) -> bool:
        lifetime, place = repository.lifetime, repository.place
        refs = await self._refs.list(repository.directory) if not lifetime.over else []
        if refs or lifetime.over or lifetime.opened > 1 or lifetime.stagings:
            return False
        await self._threads(locator.still_there, place, repository.identity)
        await self._remove(place, Repository(storage_name=place.storage.name, relative_path=place.path))
        return True

    def _committer(self, place: Place) -> ICommitter:
        return self._means[place.storage.name].committer


def _mutable(message: Repository | None) -> Repository:
    found = required(message)
    if has_quarantine(found):
        raise QuarantinedMutation(found.relative_path)
    return found


def _removable(storage: StorageInfo, path: str) -> tuple[Place, Partition]:
    place = locator.removable(storage, path)
    return place, line_of(place)


def _nothing() -> None:
    """
    For those who look for themselves.
    """


def _first(storage: StorageInfo, path: str) -> str | None:
    """
    The first of the paths that ``path`` may stand for where there is a repository.

    :raises GitalyError: INVALID_ARGUMENT for a path that cannot name one.
    """
    for candidate in candidates(path):
        try:
            locator.locate(storage, candidate)
        except (RepositoryNotFound, RepositoryNotValid, PathUnreadable):
            continue
        return candidate
    return None
