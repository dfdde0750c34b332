"""
Repositories that are nowhere but in memory: what a test of a service needs, and what keeps the interfaces honest.

Names are checked by the same rules as on disk, as far as they need no disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from posixpath import join

from attrs import Factory, define, frozen
from zope.interface import implementer

from protocols.gitaly.shared_pb2 import Repository

from ..git.directory import GitDirectory
from ..git.errors import ObjectNotFound, ObjectTooLarge
from ..git.interfaces import GitObject, ObjectInfo, Reference, RefRefused, RefUpdate, Refusal
from ..git.names import is_full_ref
from ..git.objectid import ObjectFormat, ObjectID
from ..wal.interfaces import FileChange, Head, Partition, StagedFile
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
from .interfaces import IRepository, IStaging, IStorageProvider, StorageInfo
from .naming import Place, has_quarantine, place_in, required, storage_of
from .partitions import partition_of
from .resolve import candidates, checked, creation_path

Objects = dict[ObjectID, GitObject]


@define(eq=False)
class Contents:
    """
    What a repository in memory consists of.
    """

    object_format: ObjectFormat
    head: bytes
    refs: dict[bytes, ObjectID] = Factory(dict)
    objects: Objects = Factory(dict)
    files: dict[str, bytes] = Factory(dict)
    writes: int = 0
    removed: bool = False


@implementer(IStaging)
@define(eq=False)
class MemoryStaging:
    """
    New objects that are not in the repository yet.
    """

    directory: GitDirectory
    object_format: ObjectFormat
    objects: Objects = Factory(dict)
    discarded: bool = False

    async def write_object(self, type: bytes, data: bytes) -> ObjectID:
        """
        Add an object.
        """
        content = type + b" " + str(len(data)).encode("ascii") + b"\0" + data
        oid = ObjectID(hashlib.new(self.object_format.value, content, usedforsecurity=False).hexdigest())
        self.objects[oid] = GitObject(oid, type, data)
        return oid

    async def staged(self) -> tuple[StagedFile, ...]:
        """
        The objects as if they were loose.
        """
        source = (self.directory.object_directory or "").lstrip("/")
        names = sorted(f"{str(oid)[:2]}/{str(oid)[2:]}" for oid in self.objects)
        return tuple(StagedFile(join(source, name), join("objects", name)) for name in names)

    async def discard(self) -> None:
        """
        Forget the objects.
        """
        self.discarded = True
        self.objects.clear()


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

    async def ref(self, name: bytes) -> Reference | None:
        """
        One ref, or HEAD.
        """
        symbolic = self.contents.head if name == b"HEAD" else None
        target = self.contents.refs.get(symbolic or name)
        return None if target is None else Reference(name, target, symbolic)

    async def refs(self, prefixes: Sequence[bytes] = (b"refs/",), hidden: Sequence[bytes] = ()) -> list[Reference]:
        """
        All refs below ``prefixes`` and not below ``hidden``.
        """
        return [
            Reference(name, target)
            for name, target in sorted(self.contents.refs.items())
            if _below(name, prefixes) and not _below(name, hidden)
        ]

    async def head(self) -> bytes | None:
        """
        The ref that HEAD is a name for.
        """
        return self.contents.head

    async def object(self, oid: ObjectID, maximum: int | None = None) -> GitObject:
        """
        One object.
        """
        found = self.contents.objects.get(oid)
        if found is None:
            raise ObjectNotFound(oid)
        if maximum is not None and len(found.data) > maximum:
            raise ObjectTooLarge(oid, len(found.data))
        return found

    async def object_info(self, oids: Sequence[ObjectID]) -> list[ObjectInfo | None]:
        """
        Types and sizes.
        """
        found = [self.contents.objects.get(oid) for oid in oids]
        return [None if one is None else ObjectInfo(one.oid, one.type, len(one.data)) for one in found]

    async def peel(self, oids: Sequence[ObjectID]) -> list[ObjectID | None]:
        """
        What tags stand for.
        """
        return [self._peel(oid) for oid in oids]

    async def stage(self) -> IStaging:
        """
        Begin a write.
        """
        self._writable()
        return MemoryStaging(self.directory.quarantined(f"/staging/{id(self.contents):x}/objects"), self.object_format)

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
        Write. A name that is a directory of another is a conflict, as in git's files.
        """
        if staging is not None and not isinstance(staging, MemoryStaging):
            raise TypeError("staging of another provider")
        self._writable()
        chosen = head if admitted is None else (await admitted()) or head
        refused = self._refused(refs)
        staged: Objects = {} if staging is None else dict(staging.objects)
        made = [update for update in refs if update.name not in refused]
        if staging is not None:
            await staging.discard()
        if (refused and atomic) or not (made or chosen or files or staged):
            return Outcome(refused, None)
        self.contents.objects.update(staged)
        self._apply(made, files)
        self.contents.head = chosen or self.contents.head
        self.contents.writes += 1
        return Outcome(refused, Head(lsn=self.contents.writes))

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

    def _peel(self, oid: ObjectID) -> ObjectID | None:
        found = self.contents.objects.get(oid)
        peeled = None
        while found is not None and found.type == b"tag":
            peeled = ObjectID(found.data.split(b"\n", 1)[0].removeprefix(b"object "))
            found = self.contents.objects.get(peeled)
        return peeled

    def _refused(self, updates: Sequence[RefUpdate]) -> dict[bytes, RefRefused]:
        after = set(self.contents.refs) - {update.name for update in updates if update.new.is_zero}
        after |= {update.name for update in updates if not update.new.is_zero}
        refused: dict[bytes, RefRefused] = {}
        for update in updates:
            actual = self.contents.refs.get(update.name)
            other = None if update.new.is_zero else next((name for name in after if _conflict(name, update.name)), None)
            if not is_full_ref(update.name):
                refused[update.name] = RefRefused(update.name, Refusal.MALFORMED)
            elif update.old is not None and update.old.is_zero and actual is not None:
                refused[update.name] = RefRefused(update.name, Refusal.EXISTS, actual)
            elif update.old is not None and not update.old.is_zero and actual != update.old:
                refused[update.name] = RefRefused(update.name, Refusal.STALE, actual)
            elif other is not None:
                refused[update.name] = RefRefused(update.name, Refusal.CONFLICT, other=other)
        return refused

    def _apply(self, updates: Sequence[RefUpdate], files: Sequence[FileChange]) -> None:
        for update in updates:
            if update.new.is_zero:
                self.contents.refs.pop(update.name, None)
            else:
                self.contents.refs[update.name] = update.new
        for change in files:
            if change.content is None:
                for path in [path for path in self.contents.files if f"{path}/".startswith(f"{change.path}/")]:
                    del self.contents.files[path]
            else:
                self.contents.files[change.path] = change.content


@implementer(IStorageProvider)
class MemoryStorageProvider:
    """
    Storages in memory.

    :param storages: their paths are names and nothing else.
    """

    def __init__(self, storages: Sequence[StorageInfo]) -> None:
        self.storages: Mapping[str, StorageInfo] = {storage.name: storage for storage in storages}
        self._contents: dict[Partition, Contents] = {}

    async def repository(self, message: Repository | None) -> IRepository:
        """
        Find a repository. One with a quarantine has no more objects than without.
        """
        storage = storage_of(message, self.storages)
        named = required(message)
        place = place_in(storage, named.relative_path)
        directory = GitDirectory(place.absolute)
        if has_quarantine(named):
            directory = directory.quarantined(join(place.absolute, named.git_object_directory))
        return self._view(place, directory)

    async def exists(self, message: Repository | None) -> bool:
        """
        Look for a repository.
        """
        storage = storage_of(message, self.storages)
        return self._present(place_in(storage, required(message).relative_path))

    async def resolve(self, path: str, storage: str | None = None) -> tuple[Repository, bool]:
        """
        Find a repository by the path in a clone URL.
        """
        name = next(iter(self.storages)) if storage is None else storage
        if name not in self.storages:
            raise StorageUnknown(name)
        for candidate in candidates(checked(path)):
            if self._present(place_in(self.storages[name], candidate)):
                return Repository(storage_name=name, relative_path=candidate), True
        return Repository(storage_name=name, relative_path=creation_path(checked(path))), False

    async def create(
        self,
        message: Repository | None,
        *,
        object_format: ObjectFormat = ObjectFormat.SHA1,
        default_branch: bytes = b"refs/heads/main",
        backend: str = "files",
    ) -> IRepository:
        """
        Make a repository.
        """
        place = self._mutable(message)
        partitions = [partition for partition in self._contents if partition.storage == place.storage.name]
        if any(place.path.startswith(f"{partition.path}/") for partition in partitions):
            raise PathNested(place.path)
        if any(f"{partition.path}/".startswith(f"{place.path}/") for partition in partitions):
            raise AlreadyExists(place.path).wrapped("creating repository")
        if not is_full_ref(default_branch):
            raise BadDefaultBranch(place.path, default_branch.removeprefix(b"refs/heads/"))
        self._contents[partition_of(place)] = Contents(object_format, default_branch)
        return self._view(place, GitDirectory(place.absolute))

    async def remove(self, message: Repository | None) -> None:
        """
        Remove a repository.
        """
        place = self._mutable(message)
        contents = self._contents.pop(partition_of(place), None)
        if contents is None:
            raise RepositoryGone(place.path)
        contents.removed = True

    def _mutable(self, message: Repository | None) -> Place:
        storage = storage_of(message, self.storages)
        named = required(message)
        if has_quarantine(named):
            raise QuarantinedMutation(named.relative_path)
        place = place_in(storage, named.relative_path)
        if place.is_root:
            raise PathRefused("repository path is the storage itself", named.relative_path)
        return place

    def _present(self, place: Place) -> bool:
        return partition_of(place) in self._contents

    def _view(self, place: Place, directory: GitDirectory) -> MemoryRepository:
        partition = partition_of(place)
        contents = self._contents.get(partition)
        if contents is None:
            raise RepositoryNotFound(place.path)
        return MemoryRepository(partition, directory, contents.object_format, contents)


def _below(name: bytes, prefixes: Sequence[bytes]) -> bool:
    return any(name == prefix or (prefix.endswith(b"/") and name.startswith(prefix)) for prefix in prefixes)


def _conflict(one: bytes, other: bytes) -> bool:
    return one.startswith(other + b"/") or other.startswith(one + b"/")
