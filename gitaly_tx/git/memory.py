"""
Refs and objects in memory: they keep the contracts of :class:`~gitaly_tx.git.interfaces.IRefs` and
:class:`~gitaly_tx.git.interfaces.IObjectReader` without a disk, and need neither threads nor a reactor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from attrs import Factory, define, field, frozen
from zope.interface import implementer

from .directory import GitDirectory
from .errors import ObjectNotFound, ObjectTooLarge
from .interfaces import (
    First,
    GitObject,
    IIntent,
    IObjectReader,
    IObjects,
    IPreparedRefs,
    IRefs,
    ObjectInfo,
    Reference,
    RefRefused,
    RefUpdate,
    Refusal,
    nothing,
)
from .names import check_ref
from .objectid import ObjectFormat, ObjectID
from .quarantine import object_id
from .refchecks import matches, prefixes, refused_for_value, refused_in_batch
from .tags import tagged

T = TypeVar("T")


@define
class _Refs:
    """
    :param symbolic: the ref that HEAD is a name for.
    :param locked: the refs that a prepared update holds.
    """

    symbolic: bytes = b"refs/heads/main"
    values: dict[bytes, ObjectID] = Factory(dict)
    locked: set[bytes] = Factory(set)

    def conflict(self, name: bytes) -> bytes | None:
        for prefix in prefixes(name):
            if prefix in self.values:
                return prefix
        return next((other for other in sorted(self.values) if other.startswith(name + b"/")), None)

    def set(self, update: RefUpdate) -> None:
        if update.new.is_zero:
            self.values.pop(update.name, None)
        else:
            self.values[update.name] = update.new


@implementer(IPreparedRefs)
@define
class _Prepared:
    _refs: _Refs
    _updates: Sequence[RefUpdate]
    refused: Mapping[bytes, RefRefused]
    locks: tuple[str, ...]
    before: Mapping[bytes, ObjectID]
    _head: bytes | None
    _intent: IIntent | None
    _ended: bool = False

    async def commit(self, first: First = nothing) -> None:
        """
        Make the updates visible.
        """
        if not self._ended:
            first()
            for update in self._updates:
                self._refs.set(update)
            self._refs.symbolic = self._head or self._refs.symbolic
        self._unlock()

    async def abort(self) -> None:
        """
        Unlock.
        """
        self._unlock()

    def _unlock(self) -> None:
        if not self._ended:
            self._refs.locked.difference_update(update.name for update in self._updates)
            if self._intent is not None:
                self._intent.withdraw()
        self._ended = True


@implementer(IRefs)
class MemoryRefs:
    """
    Refs of any number of repositories, told apart by their path. One that was never heard of is empty, with a HEAD that is a
    name for ``refs/heads/main``. There are no symbolic refs but HEAD.
    """

    def __init__(self) -> None:
        self._repositories: dict[str, _Refs] = {}

    def _of(self, directory: GitDirectory) -> _Refs:
        return self._repositories.setdefault(directory.path, _Refs())

    def forget(self, directory: GitDirectory) -> None:
        """
        Let a repository be as if it had never been heard of.
        """
        self._repositories.pop(directory.path, None)

    async def read(self, directory: GitDirectory, name: bytes) -> Reference | None:
        """
        As :func:`IRefs.read`.
        """
        refs = self._of(directory)
        symbolic = refs.symbolic if name == b"HEAD" else None
        target = refs.values.get(symbolic or name)
        return None if target is None else Reference(name, target, symbolic)

    async def head(self, directory: GitDirectory) -> bytes | None:
        """
        As :func:`IRefs.head`.
        """
        return self._of(directory).symbolic

    async def list(
        self, directory: GitDirectory, prefixes: Sequence[bytes] = (b"refs/",), hidden: Sequence[bytes] = ()
    ) -> list[Reference]:
        """
        As :func:`IRefs.list`.
        """
        return [
            Reference(name, target)
            for name, target in sorted(self._of(directory).values.items())
            if matches(name, prefixes) and not matches(name, hidden)
        ]

    async def prepare(
        self,
        directory: GitDirectory,
        updates: Sequence[RefUpdate],
        intent: IIntent | None = None,
        head: bytes | None = None,
        first: First = nothing,
    ) -> IPreparedRefs:
        """
        As :func:`IRefs.prepare`, but that a locked ref is refused at once.
        """
        if head is not None:
            check_ref(head)
        first()
        refs = self._of(directory)
        refused = refused_in_batch(updates)
        accepted = []
        for update in updates:
            if update.name in refused:
                continue
            why = self._refusal(refs, update)
            if why is None:
                accepted.append(update)
            else:
                refused[update.name] = why
        locks = tuple(f"{directory.path}/{update.name.decode('utf-8', 'surrogateescape')}.lock" for update in accepted)
        if intent is not None:
            intent.announce(locks)
        refs.locked.update(update.name for update in accepted)
        before = {update.name: refs.values.get(update.name, update.new.format.zero) for update in accepted}
        return _Prepared(refs, accepted, refused, locks, before, None if head in refused else head, intent)

    def _refusal(self, refs: _Refs, update: RefUpdate) -> RefRefused | None:
        if update.name in refs.locked:
            return RefRefused(update.name, Refusal.LOCKED)
        actual = refs.values.get(update.name)
        why = refused_for_value(update, actual)
        if why is None and actual is None and not update.new.is_zero:
            other = refs.conflict(update.name)
            if other is not None:
                return RefRefused(update.name, Refusal.CONFLICT, other=other)
        return why

    async def force(self, directory: GitDirectory, updates: Sequence[RefUpdate]) -> None:
        """
        As :func:`IRefs.force`.
        """
        refs = self._of(directory)
        for update in updates:
            refs.locked.discard(update.name)
            if update.new.is_zero or refs.conflict(update.name) is None:
                refs.set(update)

    async def set_head(self, directory: GitDirectory, target: bytes) -> None:
        """
        As :func:`IRefs.set_head`.
        """
        check_ref(target)
        self._of(directory).symbolic = target

    async def fsync(self, directory: GitDirectory, names: Sequence[bytes]) -> None:
        """
        As :func:`IRefs.fsync`: nothing here outlives the process.
        """


@frozen
class _Stored:
    type: bytes
    data: bytes


@implementer(IObjectReader)
@define
class MemoryObjectReader:
    """
    Objects by the object directory that they were put into. A quarantine and the alternates that a
    :class:`~gitaly_tx.git.directory.GitDirectory` names are looked through as on disk.
    """

    _directories: dict[str, dict[ObjectID, _Stored]] = field(factory=dict, init=False)

    def write(self, directory: GitDirectory, object_format: ObjectFormat, type: bytes, data: bytes) -> ObjectID:
        """
        Put an object into a repository, or into its quarantine if it has one.
        """
        oid = object_id(object_format, type, data)
        self._directories.setdefault(directory.object_directory or directory.objects, {})[oid] = _Stored(type, data)
        return oid

    def migrate(self, quarantine: str, directory: GitDirectory) -> None:
        """
        Move all objects of one object directory into another's repository.
        """
        self._directories.setdefault(directory.objects, {}).update(self._directories.pop(quarantine, {}))

    def written(self, object_directory: str) -> list[ObjectID]:
        """
        The ids of the objects in one object directory, sorted.
        """
        return sorted(self._directories.get(object_directory, {}))

    def _find(self, directory: GitDirectory, oid: ObjectID) -> _Stored | None:
        for path in (directory.object_directory or directory.objects, *directory.alternates):
            found = self._directories.get(path, {}).get(oid)
            if found is not None:
                return found
        return None

    async def read(self, directory: GitDirectory, oid: ObjectID, maximum: int | None = None) -> GitObject:
        """
        As :func:`IObjectReader.read`.
        """
        return _Objects(self, directory).read(oid, maximum)

    async def info(self, directory: GitDirectory, oids: Sequence[ObjectID]) -> list[ObjectInfo | None]:
        """
        As :func:`IObjectReader.info`.
        """
        return list(map(_Objects(self, directory).info, oids))

    async def peel(self, directory: GitDirectory, oids: Sequence[ObjectID]) -> list[ObjectID | None]:
        """
        As :func:`IObjectReader.peel`.
        """
        return [self._peeled(directory, oid) for oid in oids]

    def _peeled(self, directory: GitDirectory, oid: ObjectID) -> ObjectID | None:
        found = self._find(directory, oid)
        if found is None or found.type != b"tag":
            return None
        while found is not None and found.type == b"tag":
            oid = tagged(oid, found.data)
            found = self._find(directory, oid)
        return oid

    async def look(self, directory: GitDirectory, job: Callable[[IObjects], T]) -> T:
        """
        As :func:`IObjectReader.look`.
        """
        return job(_Objects(self, directory))

    async def glance(self, directory: GitDirectory, job: Callable[[IObjects], T]) -> T:
        """
        As :func:`IObjectReader.glance`.
        """
        return job(_Objects(self, directory))

    def remember(self, directory: GitDirectory, objects: Iterable[GitObject]) -> None:
        """
        All of them are in memory.
        """

    def forget(self, directory: GitDirectory) -> None:
        """
        Drop the objects of a repository, and those in its quarantine.
        """
        for path in (directory.objects, directory.object_directory):
            if path is not None:
                self._directories.pop(path, None)


@implementer(IObjects)
@frozen
class _Objects:
    _reader: MemoryObjectReader
    _directory: GitDirectory

    def read(self, oid: ObjectID, maximum: int | None = None) -> GitObject:
        found = self._reader._find(self._directory, oid)
        if found is None:
            raise ObjectNotFound(oid)
        if maximum is not None and len(found.data) > maximum:
            raise ObjectTooLarge(oid, len(found.data))
        return GitObject(oid, found.type, found.data)

    def info(self, oid: ObjectID) -> ObjectInfo | None:
        found = self._reader._find(self._directory, oid)
        return None if found is None else ObjectInfo(oid, found.type, len(found.data))


__all__ = ["MemoryObjectReader", "MemoryRefs"]
