"""
:class:`~gitaly_tx.git.interfaces.IRefs` for git's files format, in this process and without a git.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from attrs import define, field, frozen
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from ..errors import Code, GitalyError
from ..threads import IsPool, in_pool
from ..warm import NEVER, Warm
from . import looserefs, refsync
from .config import Configurations, RepositoryConfig
from .directory import GitDirectory
from .filesbatch import FilesBatch
from .filetransaction import DEPTH, FileTransaction
from .headchange import HeadChange
from .interfaces import First, IIntent, IPreparedRefs, IRefs, Reference, RefRefused, RefUpdate, Refusal, nothing
from .names import is_valid_ref
from .objectid import ObjectID
from .packedrefs import PackedRef, PackedRefs, PackedRefsFiles
from .refchecks import matches

T = TypeVar("T")

References = list[Reference]

_log = Logger()


class OtherFormat(Exception):
    """
    The repository keeps its refs in another format than files.
    """


@frozen
class LockPatience:
    """
    How long other writers are waited for.

    :param timeout: seconds that one batch of updates waits for locks, altogether.
    :param stale: seconds; after the wait, a lock that was not touched for so long is removed.
    :param first: seconds until the first new attempt; each further wait is twice as long.
    :param longest: seconds between attempts at most.
    """

    timeout: float = 1.0
    stale: float = 10.0
    first: float = 0.002
    longest: float = 0.1


class _Locking(Protocol):
    def lock(self, overdue: bool = False) -> bytes | None: ...


@implementer(IPreparedRefs)
@define
class PreparedFilesRefs:
    """
    A batch of updates whose refs are locked.
    """

    _refs: FilesRefs
    _batch: FilesBatch
    refused: Mapping[bytes, RefRefused]
    before: Mapping[bytes, ObjectID]

    @property
    def locks(self) -> tuple[str, ...]:
        """
        As :attr:`IPreparedRefs.locks`.
        """
        return self._batch.held

    async def commit(self, first: First = nothing) -> None:
        """
        As :func:`IPreparedRefs.commit`.
        """
        await self._refs.in_thread(self._batch.commit, first)

    async def abort(self) -> None:
        """
        As :func:`IPreparedRefs.abort`.
        """
        await self._refs.in_thread(self._batch.abort)


_FEW = 8
"""Names of which each may be looked at by itself, at once."""


@implementer(IRefs)
@define(eq=False)
class FilesRefs:
    """
    Refs as files below ``refs/`` and in ``packed-refs``. Whatever git does at the same time is seen at the next look, and both
    keep each other's locks. Reflogs are not written, and no ``reference-transaction`` hook runs.

    :param reactor: where threads report back.
    :param pool: where the disk is touched.
    :param clock: for the waits between attempts to lock.
    :param configurations: where a repository's ref format is looked up; shared with whoever else reads config files.
    :param packed: the packed refs that are kept in memory.
    :param warm: says where single refs are looked at.
    """

    _reactor: IReactorFromThreads
    _pool: IsPool
    _clock: IReactorTime
    _configurations: Configurations = field(factory=Configurations)
    _packed: PackedRefsFiles = field(factory=PackedRefsFiles)
    _patience: LockPatience = LockPatience()
    _warm: Warm = NEVER

    async def in_thread(self, job: Callable[..., T], *arguments: Any) -> T:
        """
        Run something that touches the disk.
        """
        found: T = await in_pool(self._reactor, self._pool, job, *arguments)
        return found

    def _config(self, directory: GitDirectory) -> RepositoryConfig:
        config = self._configurations.read(directory.path)
        if config.ref_storage != "files":
            raise OtherFormat
        return config

    def _root(self, directory: GitDirectory) -> bytes:
        self._config(directory)
        return os.fsencode(directory.path)

    # -------------------------------------------------------------------------------------------------- reading

    def read(self, directory: GitDirectory, name: bytes) -> Coroutine[Any, Any, Reference | None]:
        """
        As :func:`IRefs.read`.

        :raises OtherFormat: as every method here, if the repository has no refs in files.
        """
        return self._warm.look((directory.path, name), self.in_thread, self._read, directory, name)

    def _read(self, directory: GitDirectory, name: bytes) -> Reference | None:
        root = self._root(directory)
        if name != b"HEAD" and not is_valid_ref(name):
            return None
        final, found = self._resolve(root, name)
        if found is None:
            return None
        return Reference(name, found.target, None if final == name else final, found.peeled)

    def _resolve(self, root: bytes, name: bytes) -> tuple[bytes, PackedRef | None]:
        """
        Follow a ref to its end: the name of the last ref, and what that is.
        """
        for _ in range(DEPTH):
            loose = looserefs.read(root, name)
            if loose is None:
                return name, None if name == b"HEAD" else self._packed.read(os.fsdecode(root)).find(name)
            if loose.target is not None:
                return name, PackedRef(name, loose.target)
            if loose.symbolic is None:
                _log.warn("broken ref", path=root, ref=name)
                return name, None
            name = loose.symbolic
        return name, None

    def head(self, directory: GitDirectory) -> Coroutine[Any, Any, bytes | None]:
        """
        As :func:`IRefs.head`.
        """
        return self._warm.look((directory.path, b"HEAD"), self.in_thread, self._head, directory)

    def _head(self, directory: GitDirectory) -> bytes | None:
        final, _ = self._resolve(self._root(directory), b"HEAD")
        return None if final == b"HEAD" else final

    async def list(
        self, directory: GitDirectory, prefixes: Sequence[bytes] = (b"refs/",), hidden: Sequence[bytes] = ()
    ) -> list[Reference]:
        """
        As :func:`IRefs.list`.
        """
        names = tuple(prefixes)
        if len(names) <= _FEW and not any(name.endswith(b"/") for name in names):
            return await self._warm.look((directory.path, names), self.in_thread, self._list, directory, names, tuple(hidden))
        return await self.in_thread(self._list, directory, names, tuple(hidden))

    def _list(self, directory: GitDirectory, prefixes: tuple[bytes, ...], hidden: tuple[bytes, ...]) -> References:
        root = self._root(directory)
        # Loose refs first: one that is packed meanwhile is then found in packed-refs.
        loose = [found for prefix in prefixes for found in self._loose(root, prefix)]
        packed = self._packed.read(directory.path)
        if len(prefixes) == 1 and not loose:
            listed = self._packed_below(packed, prefixes[0])  # in their order already
        else:
            found = {ref.name: ref for prefix in prefixes for ref in self._packed_below(packed, prefix)}
            found |= self._loose_references(root, loose, found)
            listed = sorted(found.values(), key=_by_name)
        return [ref for ref in listed if not matches(ref.name, hidden)] if hidden else listed

    def _loose_references(
        self, root: bytes, loose: Sequence[tuple[bytes, looserefs.LooseRef]], packed: dict[bytes, Reference]
    ) -> dict[bytes, Reference]:
        """
        What has a file of its own, by name.

        :param packed: those that are packed; the ones that files overrule are taken out.
        """
        found: dict[bytes, Reference] = {}
        for name, ref in loose:
            packed.pop(name, None)
            if ref.target is not None:
                found[name] = Reference(name, ref.target)
            elif ref.symbolic is not None:
                final, target = self._resolve(root, name)
                if target is not None:
                    found[name] = Reference(name, target.target, final, target.peeled)
            else:
                _log.warn("broken ref left out", path=root, ref=name)
        return found

    def _loose(self, root: bytes, prefix: bytes) -> Iterator[tuple[bytes, looserefs.LooseRef]]:
        if prefix.endswith(b"/"):
            if is_valid_ref(prefix + b"x") or prefix == b"refs/":
                yield from looserefs.walk(root, prefix)
        elif is_valid_ref(prefix):
            found = looserefs.read(root, prefix)
            if found is not None:
                yield prefix, found

    def _packed_below(self, packed: PackedRefs, prefix: bytes) -> References:
        if prefix.endswith(b"/"):
            return packed.references(prefix)
        found = packed.find(prefix)
        return [] if found is None else [Reference(found.name, found.target, None, found.peeled)]

    # -------------------------------------------------------------------------------------------------- writing

    async def prepare(
        self,
        directory: GitDirectory,
        updates: Sequence[RefUpdate],
        intent: IIntent | None = None,
        head: bytes | None = None,
        first: First = nothing,
    ) -> IPreparedRefs:
        """
        As :func:`IRefs.prepare`.
        """
        batch = FilesBatch(partial(self._planned, directory, updates, False, first), head, intent)
        try:
            await self._lock(batch)
        except BaseException:
            # Also if the caller gave up: what a thread is just locking is unlocked once it has ended.
            await self.in_thread(batch.abort)
            raise
        return PreparedFilesRefs(self, batch, batch.refused, batch.before)

    def _planned(
        self, directory: GitDirectory, updates: Sequence[RefUpdate], forced: bool, first: First = nothing
    ) -> FileTransaction:
        object_format = self._config(directory).object_format
        first()
        root = os.fsencode(directory.path)
        transaction = FileTransaction(root, tuple(updates), self._packed, self._patience.stale, object_format, forced)
        transaction.plan()
        return transaction

    async def _lock(self, locking: _Locking) -> None:
        """
        Lock everything. While somebody else has a lock this waits on the clock and in no thread.
        """
        patience = self._patience
        delay = patience.first
        deadline: float | None = None
        overdue = False
        while await self.in_thread(locking.lock, overdue) is not None:
            now = self._clock.seconds()
            deadline = now + patience.timeout if deadline is None else deadline
            overdue = now >= deadline
            if not overdue:
                await deferLater(self._clock, min(delay, deadline - now))
                delay = min(2 * delay, patience.longest)

    async def force(self, directory: GitDirectory, updates: Sequence[RefUpdate]) -> None:
        """
        As :func:`IRefs.force`. A ref that cannot be there because of another one's name is left out and logged: when old log
        entries are repeated the later ones are in the way of the earlier.

        :raises OSError: if the disk does not take it.
        :raises GitalyError: if a lock cannot be had or broken.
        """
        transaction = await self.in_thread(self._planned, directory, updates, True)
        try:
            await self._lock(transaction)
            await self.in_thread(self._finish, transaction)
        finally:
            await self.in_thread(transaction.abort)

    def _finish(self, transaction: FileTransaction) -> None:
        transaction.verify()
        if transaction.failure is not None:
            raise transaction.failure
        for refused in transaction.refused.values():
            if refused.why is not Refusal.CONFLICT:
                raise GitalyError("setting reference", Code.ABORTED, {"ref": refused.name, "why": refused.why.value})
            _log.error("ref not written because others are in its way", path=transaction.root, ref=refused.name)
        transaction.commit()

    async def set_head(self, directory: GitDirectory, target: bytes) -> None:
        """
        As :func:`IRefs.set_head`.
        """
        change = HeadChange(await self.in_thread(self._root, directory), target)
        try:
            await self._lock(change)
            await self.in_thread(change.commit)
        finally:
            await self.in_thread(change.abort)

    async def fsync(self, directory: GitDirectory, names: Sequence[bytes]) -> None:
        """
        As :func:`IRefs.fsync`.
        """
        await self.in_thread(self._fsync, directory, tuple(names))

    def _fsync(self, directory: GitDirectory, names: tuple[bytes, ...]) -> None:
        refsync.fsync_refs(self._root(directory), [name for name in names if name == b"HEAD" or is_valid_ref(name)])

    def forget(self, directory: GitDirectory) -> None:
        """
        Let go of what is kept in memory of a repository.
        """
        self._packed.forget(directory.path)
        self._configurations.forget(directory.path)


def _by_name(reference: Reference) -> bytes:
    return reference.name


__all__ = ["FilesRefs", "LockPatience", "OtherFormat"]
