"""
From a transaction to a committed write.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from random import Random

from attrs import define, evolve, field
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ..cluster.interfaces import HeadMoved, ICoordinator
from ..errors import Code, GitalyError
from ..git.directory import GitDirectory
from ..git.interfaces import IRefs, RefRefused
from ..observability.failpoints import failpoint
from ..wal.building import refuse_detours
from ..wal.interfaces import Entry, Head, LogFailed, Manifest, Partition, RepositoryVanished
from ..wal.store import Store
from ..wal.threads import InThread
from .insistence import Insistence
from .interfaces import ICommitter
from .locking import LockedRefs
from .transaction import Outcome, Transaction

REFTABLE = "reftable"
"""The directory of refs in git's other format."""

log = Logger()


@implementer(ICommitter)
@define(eq=False)
class Committer:
    """
    The steps in their order: look, take the files, lock the refs, log, commit, apply, note.

    Up to the log every failure leaves nothing behind. Once it is in the log the write is committed: what cannot be applied now is
    tried until it can, while the partition's other writes wait, and it is never reported as failed.

    :param stores: by the storage's name.
    :param clock: for the pauses between attempts.
    :param random: spreads the pauses.
    """

    _stores: Mapping[str, Store]
    _refs: IRefs
    _coordinator: ICoordinator
    _in_thread: InThread
    _clock: IReactorTime
    _random: Random = field(factory=Random)
    _insistence: Insistence = field(init=False)

    @_insistence.default
    def _make_insistence(self) -> Insistence:
        return Insistence(self._clock, self._random)

    @property
    def failing(self) -> frozenset[Partition]:
        """
        Partitions with a committed write that cannot be made visible or durable now: the server is degraded.
        """
        return self._insistence.failing.union(*(store.failing for store in self._stores.values()))

    def stop(self) -> None:
        """
        Give up what is being tried again and again; the log has it for the next start.
        """
        self._insistence.stop()

    async def commit(self, transaction: Transaction) -> Outcome:
        """
        Write.
        """
        manifest = transaction.manifest
        partition = manifest.partition
        store = self._stores[partition.storage]
        directory = store.applier.directory(partition)
        head = await self._head(store, partition)
        files = _Files(store, directory, manifest)
        locked = LockedRefs(directory, self._refs, store.intents.new())
        entry: Entry | None = None
        keep = False
        try:
            refused, wanted = await self._lock(files, locked, transaction.atomic)
            failpoint("commit.after_prepare")
            if wanted is not None:
                entry = await store.log.append(wanted, head)
                keep = True
                failpoint("commit.after_log")
                await self._agree(store, entry, head)
                failpoint("commit.after_coordinator")
        except BaseException as error:
            keep = (keep and not isinstance(error, HeadMoved)) or (isinstance(error, LogFailed) and error.uncertain)
            await locked.release()
            raise
        finally:
            if not keep:
                await _give_back(self._in_thread, store, files.write)
        if entry is None:
            await locked.release()
            return Outcome(refused, None)
        try:
            await self._visible(store, entry, locked)
        finally:
            await locked.release()
            failpoint("commit.after_unlock")
        if manifest.remove or any(change.path == REFTABLE for change in manifest.files):
            await self._settle(store, entry)
        return Outcome(refused, entry.head)

    async def _head(self, store: Store, partition: Partition) -> Head:
        try:
            await store.catch_up(partition)
        except OSError as error:
            raise GitalyError("an earlier write cannot be applied yet", Code.UNAVAILABLE, {"error": str(error)}) from error
        head = await store.log.head(partition)
        known = await self._coordinator.read(partition)
        if known is not None and known != head:
            raise HeadMoved(partition, head, known)
        return head

    async def _lock(self, files: _Files, locked: LockedRefs, atomic: bool) -> tuple[dict[bytes, RefRefused], Manifest | None]:
        """
        All that comes before the log, in one turn in a thread.

        :returns: the refused updates, and what goes into the log; ``None`` if nothing does.
        """
        failpoint("commit.before_secure")
        wanted = files.write
        if wanted.create is not None or wanted.remove or not (wanted.refs or wanted.head):
            await self._in_thread(files.take)
            return {}, files.write
        refused = await locked.lock(wanted.refs, wanted.head, files.take)
        accepted = [update for update in wanted.refs if update.name not in refused] if refused else wanted.refs
        if refused and (atomic or not accepted):
            return refused, None
        head = None if wanted.head in refused else wanted.head
        return refused, evolve(files.write, refs=await locked.complete(accepted), head=head)

    async def _agree(self, store: Store, entry: Entry, expected: Head) -> None:
        """
        Ask until there is an answer: "perhaps" is none, since the entry is in the log already.
        """

        async def ask() -> None:
            await self._coordinator.commit(entry, expected)

        try:
            await self._insistence.until_done(entry.manifest.partition, ask, (HeadMoved,))
        except HeadMoved:
            await store.log.retract(entry)
            raise

    async def _visible(self, store: Store, entry: Entry, locked: LockedRefs) -> None:
        manifest = entry.manifest

        async def apply() -> None:
            await store.applier.apply(entry, locked.move)

        try:
            await self._insistence.until_done(manifest.partition, apply, (RepositoryVanished,))
        except RepositoryVanished:
            # Somebody removed it behind our back. There is nothing that the entry could still be applied to.
            await _give_back(self._in_thread, store, manifest)
            store.log.applied(entry)
            raise
        failpoint("commit.after_apply")
        store.log.applied(entry)
        failpoint("commit.after_applied_record")

    async def _settle(self, store: Store, entry: Entry) -> None:
        """
        After a removal the path may be anybody's, and after a change of the format of refs anybody may write in the new one: the
        entry must never be replayed.
        """
        try:
            await store.log.settle(entry)
        except Exception:
            log.failure("an entry of {partition} is not durable yet", partition=str(entry.manifest.partition))
        failpoint("commit.after_settle")


@define(eq=False)
class _Files:
    """
    The files that a write brings along.

    :ivar write: the write; once the files are taken, as the log wants it.
    """

    _store: Store
    _directory: GitDirectory
    write: Manifest

    def take(self) -> None:
        """
        See that they can be put where they belong, and take them into the log's keeping. It blocks.
        """
        path = self._directory.path
        if self.write.create is not None:
            if os.path.lexists(path):
                raise GitalyError("repository exists already", Code.ALREADY_EXISTS, {"path": path})
        elif not os.path.isdir(path):
            raise GitalyError("repository does not exist", Code.NOT_FOUND, {"path": path})
        refuse_detours(path, self.write.files)
        self.write = self._store.staged.secure(self.write)
        failpoint("commit.before_prepare")


async def _give_back(in_thread: InThread, store: Store, manifest: Manifest) -> None:
    if manifest.staged:
        await in_thread(store.staged.release, manifest)
