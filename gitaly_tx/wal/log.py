"""
The log of one storage, on its disk.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ..errors import Code, GitalyError
from ..observability.failpoints import failpoint
from .entry import tag_of, without_contents
from .groupcommit import GroupCommit, Observer, unobserved
from .interfaces import Entry, Head, HeadChanged, IApplier, ILog, LogFailed, Manifest, Partition, PartitionDamaged
from .layout import Disk, Layout
from .reading import drop_segments, read_log
from .resolve import EVERYBODY, Logged, resolve, tags
from .staged import StagedFiles
from .state import State
from .tail import Tail
from .threads import InThread
from .together import all_of
from .writer import Wish, Writer, Written

log = Logger()

_NO_FSYNC_YET = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN})
"""Errors that come before any fsync: another attempt is as good as the first."""

PERSISTED_TOGETHER = 8
"""Partitions that a checkpoint makes durable at the same time."""


@implementer(ILog)
@define(eq=False)
class Log:
    """
    Entries of all partitions, one after the other, in numbered segments.

    Entries that are appended while an fsync runs are written together and share the next one. A checkpoint closes the segment,
    makes what it did durable in the repositories, and deletes it; appends go on meanwhile.

    :param storage: the storage's name.
    :param leader: this server's name.
    :param boot: 16 bytes that say which run of the kernel this is.
    :param in_writer: one thread, which does one thing after the other and belongs to this log alone.
    :param in_thread: any threads.
    :param observer: told after every fsync: its seconds, the entries, the bytes.
    :param full: called when there is enough for a checkpoint.
    :param segment_size: bytes of a segment that are enough.
    :param segment_entries: entries that are enough.
    """

    storage: str
    _layout: Layout
    _disk: Disk
    _state: State
    _staged: StagedFiles
    _applier: IApplier
    _in_writer: InThread
    _in_thread: InThread
    _clock: IReactorTime
    _leader: str
    _boot: bytes
    _observer: Observer = unobserved
    _full: Callable[[], None] = lambda: None
    _segment_size: int = 16 << 20
    _segment_entries: int = 5000
    _writer: Writer | None = field(default=None, init=False)
    _heads: dict[Partition, Head] = field(factory=dict, init=False)
    _refused: dict[bytes, str] = field(factory=dict, init=False)
    _damaged: frozenset[int] = field(default=frozenset(), init=False)
    _tail: Tail = field(factory=Tail, init=False)
    _appending: set[Partition] = field(factory=set, init=False)
    _group: GroupCommit | None = field(default=None, init=False)
    _checkpointing: DeferredLock = field(factory=DeferredLock, init=False)
    _remembering: DeferredLock = field(factory=DeferredLock, init=False)
    _undurable: set[Partition] = field(factory=set, init=False)
    _kept_from: int = field(default=0, init=False)

    @property
    def pending(self) -> int:
        """
        Entries that wait for their fsync.
        """
        return 0 if self._group is None else self._group.pending

    @property
    def refused(self) -> dict[bytes, str]:
        """
        Why partitions take no writes, by tag; :data:`~.resolve.EVERYBODY` stands for all.
        """
        return dict(self._refused)

    @property
    def undurable(self) -> frozenset[Partition]:
        """
        Partitions whose repositories could not be made durable: the disk under them fails. Their entries stay in the log.
        """
        return frozenset(self._undurable)

    async def start(self) -> Sequence[Entry]:
        """
        Read everything, cut a torn tail, tell what has to be applied.
        """
        remembered = await self._state.read()
        whole = await self._in_thread(
            read_log, self._layout, self._disk, remembered.storage, self._boot, remembered.first, bool(remembered.refused)
        )
        if whole.cut:
            log.warn(
                "cut {size} bytes of unacknowledged writes off the log of storage {storage}",
                size=whole.cut,
                storage=self.storage,
                segment=whole.last,
            )
        resolved = resolve(self.storage, whole.segments, await self._state.checkpoints(tags(whole.segments)))
        for remark in resolved.remarks:
            log.warn("log of storage {storage}: {remark}", storage=self.storage, remark=remark)
        self._refused = {**remembered.refused, **resolved.refused}
        for tag, why in self._refused.items():
            log.error("storage {storage} takes no writes for {whom}: {why}", storage=self.storage, whom=_whom(tag), why=why)
        if self._refused != remembered.refused:
            await self._state.refuse(self._refused)
        self._damaged = frozenset(resolved.damaged)
        self._heads = dict(resolved.heads)
        for logged in resolved.entries:
            self._tail.keep(Logged(without_contents(logged.entry), logged.segment, logged.applied))
        self._writer = Writer(
            self._layout,
            self._disk,
            self._leader,
            remembered.storage,
            self._boot,
            self._clock.seconds,
            whole.last,
            whole.end,
        )
        self._group = GroupCommit(
            self._writer,
            self._in_writer,
            self._clock,
            self._take_in,
            self._appending.discard,
            self._look_at_size,
            self._observer,
        )
        return [logged.entry for logged in resolved.entries if not logged.applied]

    async def head(self, partition: Partition) -> Head:
        """
        Where a partition stands.
        """
        self._must_be_trusted(partition)
        if partition not in self._heads:
            self._heads.setdefault(partition, await self._checkpointed(partition))
        return self._heads[partition]

    def append(self, manifest: Manifest, expected: Head) -> Deferred[Entry]:
        """
        Make an entry durable, together with whoever else waits.
        """
        return Deferred.fromCoroutine(self._append(manifest, expected))

    async def retract(self, entry: Entry) -> None:
        """
        Strike out the last entry.
        """
        partition = entry.manifest.partition
        last, before = self._tail.last_two(partition)
        if last is None or last.entry.head != entry.head or last.applied:
            raise HeadChanged(partition, entry.head.lsn, 0 if last is None else last.entry.head.lsn)
        head = await self._checkpointed(partition) if before is None else before.entry.head
        await self._open().retract(entry)
        self._tail.retracted(partition)
        self._heads[partition] = head

    def applied(self, entry: Entry) -> None:
        """
        Note it with the next batch, or soon.
        """
        self._tail.applied(entry)
        self._open().note(entry)

    async def settle(self, entry: Entry) -> None:
        """
        Make a partition durable up to ``entry``.
        """
        await self._settle(entry.manifest.partition)

    async def checkpoint(self) -> None:
        """
        Begin a new segment, persist what the old ones did, drop them.
        """
        await self._checkpointing.acquire()
        try:
            await self._checkpoint()
        finally:
            self._checkpointing.release()

    async def stop(self) -> None:
        """
        Finish, checkpoint, close. What cannot be made durable now is replayed at the next start.
        """
        if self._writer is None:
            return
        await self._open().drain()
        try:
            await self.checkpoint()
        except Exception:
            log.failure("no checkpoint of storage {storage}; the next start replays its log", storage=self.storage)
        writer, self._writer, self._group = self._writer, None, None
        await self._in_writer(writer.close)

    async def refuse(self, partition: Partition, why: str) -> None:
        """
        Take no more writes for a partition, because what it logged cannot be applied any more.
        """
        self._refused[tag_of(partition.path)] = why
        log.error("storage {storage} takes no writes for {whom}: {why}", storage=self.storage, whom=str(partition), why=why)
        self._damaged |= self._tail.give_up(partition)
        await self._state.refuse(self._refused)

    async def accept(self, partition: Partition | None) -> None:
        """
        Take writes for a partition again: an operator has looked at the repository and says that it is right as it is. What could
        not be read stays in the log's ``damaged`` directory.

        :param partition: ``None`` if it was unknown whose the damage is, so that everybody was refused.
        :raises GitalyError: FAILED_PRECONDITION if the damage is still in the log, because something else holds a checkpoint up.
        """
        await self.checkpoint()
        if self._damaged & set(await self._in_thread(self._layout.segments)):
            raise GitalyError("damaged part of the log cannot be moved aside now", Code.FAILED_PRECONDITION)
        tag = EVERYBODY if partition is None else tag_of(partition.path)
        if partition is not None and tag in self._refused:
            before = self._heads.get(partition) or await self._checkpointed(partition)
            # Another epoch: whatever the lost entries were, this is not what follows from them.
            head = Head(before.epoch + 1, self._leader, before.lsn, before.digest)
            await self._state.checkpoint({partition: head})
            self._heads[partition] = head
        self._refused.pop(tag, None)
        await self._state.refuse(self._refused)

    # --------------------------------------------------------------------------------------------------- appending

    async def _append(self, manifest: Manifest, expected: Head) -> Entry:
        partition = manifest.partition
        actual = await self.head(partition)
        if actual != expected or partition in self._appending:
            raise HeadChanged(partition, expected.lsn, actual.lsn)
        self._appending.add(partition)
        taken, queued = manifest, False
        try:
            if manifest.create is not None and partition in self._tail:
                # What an earlier repository at this path was must never be replayed into the new one.
                await self._settle(partition)
                if partition in self._tail:
                    raise GitalyError("what was at this path before is not durable yet", Code.UNAVAILABLE)
            if any(file.sha256 is None for file in manifest.staged):
                taken = await self._in_thread(self._staged.secure, manifest)
            self._must_be_trusted(partition)
            done = self._open().append(Wish(taken, expected))
            queued = True
            return await done
        except GitalyError as error:
            if taken is not manifest and not (isinstance(error, LogFailed) and error.uncertain):
                await self._in_thread(self._staged.release, taken)
            raise
        finally:
            if not queued:
                self._appending.discard(partition)

    def _take_in(self, written: Written) -> None:
        for result in written.results:
            if isinstance(result, Entry):
                self._heads[result.manifest.partition] = result.head
                self._tail.keep(Logged(without_contents(result), written.segment))

    def _look_at_size(self) -> None:
        if self._writer is not None and (self._writer.size >= self._segment_size or self._tail.count >= self._segment_entries):
            self._full()

    # ------------------------------------------------------------------------------------------------- checkpoints

    async def _checkpoint(self) -> None:
        if self._writer is None:
            return
        if not self._tail.count and not self._damaged and self._kept_from == self._writer.number and not self._writer.size:
            return
        current = await self._in_writer(self._writer.roll)
        failpoint("checkpoint.after_roll")
        ready = [partition for partition in self._tail.partitions() if self._tail.ready(partition, current)]
        heads: dict[Partition, Head] = {}
        for at in range(0, len(ready), PERSISTED_TOGETHER):
            for done in await all_of(self._persist(partition, current) for partition in ready[at : at + PERSISTED_TOGETHER]):
                heads.update(done)
        failpoint("checkpoint.after_persist")
        first = await self._remember(heads, current)
        failpoint("checkpoint.after_heads")
        await self._in_thread(drop_segments, self._layout, first, self._damaged)
        failpoint("checkpoint.after_drop")

    async def _settle(self, partition: Partition) -> None:
        await self._remember(await self._persist(partition, None), None)

    async def _persist(self, partition: Partition, current: int | None) -> dict[Partition, Head]:
        """
        :returns: the head up to which the partition is durable now, if it is.
        """
        entries = self._tail.ready(partition, current)
        if not entries or partition in self._undurable:
            return {}
        try:
            await self._applier.persist(entries)
        except OSError as error:
            if error.errno in _NO_FSYNC_YET:
                log.warn("{partition} cannot be made durable now: {error}", partition=str(partition), error=error)
                return {}
            # A second fsync would succeed and prove nothing, so this partition's entries stay in the log until the next start.
            self._undurable.add(partition)
            log.failure("{partition} cannot be made durable: the disk fails", partition=str(partition))
            return {}
        return {partition: entries[-1].head}

    async def _remember(self, heads: dict[Partition, Head], current: int | None) -> int:
        """
        :returns: the number of the oldest segment that is needed from now on; 0 if nobody asked by giving ``current``.
        """
        await self._remembering.acquire()
        try:
            # Somebody may have remembered a later head meanwhile.
            newer = {p: head for p, head in heads.items() if (self._tail.first_lsn(p) or head.lsn + 1) <= head.lsn}
            first = 0 if current is None else self._first_needed(current, newer)
            await self._state.checkpoint(newer, first or None)
            self._kept_from = first or self._kept_from
            for partition, head in newer.items():
                self._tail.durable(partition, head.lsn)
        finally:
            self._remembering.release()
        return first

    def _first_needed(self, current: int, done: dict[Partition, Head]) -> int:
        # The newest segment stays even if it is empty: a log without any would look like one that was lost.
        newest = current if self._writer is None else max(self._writer.number, 1)
        return min(newest, self._tail.first_segment(current, done))

    def _open(self) -> GroupCommit:
        if self._group is None:
            raise LogFailed("not open")
        return self._group

    async def _checkpointed(self, partition: Partition) -> Head:
        tag = tag_of(partition.path)
        found = (await self._state.checkpoints([tag])).get(tag)
        return Head() if found is None else found[1]

    def _must_be_trusted(self, partition: Partition) -> None:
        why = self._refused.get(tag_of(partition.path), self._refused.get(EVERYBODY))
        if why is not None:
            raise PartitionDamaged(partition, why)


def _whom(tag: bytes) -> str:
    return "anybody" if tag == EVERYBODY else f"partition {tag.hex()}"
