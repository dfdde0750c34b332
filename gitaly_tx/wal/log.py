"""
The log of one storage, on its disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ..errors import GitalyError
from ..observability.failpoints import failpoint
from .entry import tag_of, without_contents
from .interfaces import Entry, Head, HeadChanged, IApplier, ILog, LogFailed, Manifest, Partition, PartitionDamaged
from .layout import Disk, Layout
from .reading import drop_segments, read_log
from .resolve import EVERYBODY, Logged, resolve, tags
from .staged import StagedFiles
from .state import State
from .threads import InThread
from .together import all_of
from .writer import Wish, Writer, Written

log = Logger()

BATCH = 16 << 20
"""The most bytes of staged files that are written with one fsync."""

NOTES_AFTER = 0.05
"""Seconds until notes are written that no entry took along."""

PERSISTED_TOGETHER = 8
"""Partitions that a checkpoint makes durable at the same time."""

Observer = Callable[[float, int, int], None]


def unobserved(seconds: float, entries: int, size: int) -> None:
    """
    For those who measure nothing.
    """


@define(eq=False)
class _Waiting:
    wish: Wish
    done: Deferred[Entry]

    @property
    def weight(self) -> int:
        return sum(len(file.content or b"") for file in self.wish.manifest.staged)


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
    _logged: dict[Partition, deque[Logged]] = field(factory=dict, init=False)
    _count: int = field(default=0, init=False)
    _appending: set[Partition] = field(factory=set, init=False)
    _waiting: deque[_Waiting] = field(factory=deque, init=False)
    _retracting: list[tuple[Entry, Deferred[None]]] = field(factory=list, init=False)
    _notes: list[Entry] = field(factory=list, init=False)
    _notes_due: IDelayedCall | None = field(default=None, init=False)
    _flushing: Deferred[None] | None = field(default=None, init=False)
    _in_flight: int = field(default=0, init=False)
    _checkpointing: DeferredLock = field(factory=DeferredLock, init=False)
    _remembering: DeferredLock = field(factory=DeferredLock, init=False)
    _undurable: set[Partition] = field(factory=set, init=False)

    @property
    def pending(self) -> int:
        """
        Entries that wait for their fsync.
        """
        return len(self._waiting) + self._in_flight

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
            self._keep(Logged(without_contents(logged.entry), logged.segment, logged.applied))
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
        return [logged.entry for logged in resolved.entries if not logged.applied]

    async def head(self, partition: Partition) -> Head:
        """
        Where a partition stands.
        """
        self._must_be_trusted(partition)
        if partition not in self._heads:
            tag = tag_of(partition.path)
            found = (await self._state.checkpoints([tag])).get(tag)
            self._heads.setdefault(partition, Head() if found is None else found[1])
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
        logged = self._logged[partition]
        if logged[-1].entry.head != entry.head or logged[-1].applied:
            raise HeadChanged(partition, entry.head.lsn, logged[-1].entry.head.lsn)
        if len(logged) > 1:
            before = logged[-2].entry.head
        else:
            tag = tag_of(partition.path)
            found = (await self._state.checkpoints([tag])).get(tag)
            before = Head() if found is None else found[1]
        done: Deferred[None] = Deferred()
        self._retracting.append((entry, done))
        self._flush_soon()
        await done
        self._forget(partition, entry.head.lsn, last=True)
        self._heads[partition] = before

    def applied(self, entry: Entry) -> None:
        """
        Note it with the next batch, or soon.
        """
        for logged in self._logged.get(entry.manifest.partition, ()):
            if logged.entry.head.lsn <= entry.head.lsn:
                logged.applied = True
        self._notes.append(without_contents(entry))
        if self._notes_due is None and self._flushing is None:
            self._notes_due = self._clock.callLater(NOTES_AFTER, self._flush_soon)

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
        self._flush_soon()
        if self._flushing is not None:
            await _waiting_for(self._flushing)
        try:
            await self.checkpoint()
        except Exception:
            log.failure("no checkpoint of storage {storage}; the next start replays its log", storage=self.storage)
        writer, self._writer = self._writer, None
        if self._notes_due is not None:
            self._notes_due.cancel()
            self._notes_due = None
        if writer is not None:
            await self._in_writer(writer.close)

    async def refuse(self, partition: Partition, why: str) -> None:
        """
        Take no more writes for a partition, because what it logged cannot be applied any more.
        """
        self._refused[tag_of(partition.path)] = why
        log.error("storage {storage} takes no writes for {whom}: {why}", storage=self.storage, whom=str(partition), why=why)
        self._damaged |= {logged.segment for logged in self._logged.get(partition, ()) if not logged.applied}
        await self._state.refuse(self._refused)
        kept = deque(logged for logged in self._logged.get(partition, ()) if logged.applied)
        self._count -= len(self._logged.get(partition, ())) - len(kept)
        self._logged[partition] = kept

    # --------------------------------------------------------------------------------------------------- appending

    async def _append(self, manifest: Manifest, expected: Head) -> Entry:
        partition = manifest.partition
        actual = await self.head(partition)
        if actual != expected or partition in self._appending:
            raise HeadChanged(partition, expected.lsn, actual.lsn)
        self._appending.add(partition)
        taken, queued = manifest, False
        try:
            if manifest.create is not None:
                # What an earlier repository at this path was must never be replayed into the new one.
                await self._settle(partition)
            if manifest.staged:
                taken = await self._in_thread(self._staged.secure, manifest)
            self._must_be_trusted(partition)
            waiting = _Waiting(Wish(taken, expected), Deferred())
            self._waiting.append(waiting)
            queued = True
            self._flush_soon()
            return await waiting.done
        except GitalyError as error:
            if taken is not manifest and not (isinstance(error, LogFailed) and error.uncertain):
                await self._in_thread(self._staged.release, taken)
            raise
        finally:
            if not queued:
                self._appending.discard(partition)

    def _flush_soon(self) -> None:
        if self._notes_due is not None:
            if self._notes_due.active():
                self._notes_due.cancel()
            self._notes_due = None
        if self._flushing is None and (self._waiting or self._notes or self._retracting):
            self._flushing = Deferred()
            Deferred.fromCoroutine(self._flush())

    async def _flush(self) -> None:
        try:
            while self._waiting or self._notes or self._retracting:
                if not await self._write_batch():
                    break
        finally:
            done, self._flushing = self._flushing, None
            assert done is not None
            done.callback(None)
        writer = self._writer
        if writer is not None and (writer.size >= self._segment_size or self._count >= self._segment_entries):
            self._full()

    async def _write_batch(self) -> bool:
        """
        :returns: whether it makes sense to go on at once: not, if there are only notes left and they cannot be written.
        """
        batch = list(self._next_batch())
        notes, self._notes = self._notes, []
        retracting, self._retracting = self._retracting, []
        self._in_flight = len(batch)
        try:
            if self._writer is None:
                raise LogFailed("not open")
            written = await self._in_writer(
                self._writer.write, [one.wish for one in batch], notes, [entry for entry, _ in retracting]
            )
        except Exception as error:
            self._notes[:0] = notes
            self._in_flight = 0
            for one in batch:
                self._answer(one, error)
            for _, done in retracting:
                done.errback(error)
            return bool(self._waiting or self._retracting)
        self._in_flight = 0
        if batch:
            self._observer(written.seconds, len(batch), written.size)
        self._take_in(batch, written)
        for _, done in retracting:
            done.callback(None)
        return True

    def _next_batch(self) -> Iterator[_Waiting]:
        weight = 0
        while self._waiting and weight <= BATCH:
            one = self._waiting.popleft()
            weight += one.weight
            yield one

    def _take_in(self, batch: Sequence[_Waiting], written: Written) -> None:
        for result in written.results:
            if isinstance(result, Entry):
                self._heads[result.manifest.partition] = result.head
                self._keep(Logged(without_contents(result), written.segment))
        for one, result in zip(batch, written.results, strict=True):
            self._answer(one, result)

    def _answer(self, one: _Waiting, result: Entry | Exception) -> None:
        self._appending.discard(one.wish.manifest.partition)
        if one.done.called:
            return  # Whoever asked has stopped waiting.
        if isinstance(result, Entry):
            one.done.callback(result)
        else:
            one.done.errback(result)

    # ------------------------------------------------------------------------------------------------- checkpoints

    async def _checkpoint(self) -> None:
        if self._writer is None:
            return
        current = await self._in_writer(self._writer.roll)
        failpoint("checkpoint.after_roll")
        ready = [partition for partition in self._logged if self._ready(partition, current)]
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

    def _ready(self, partition: Partition, current: int | None) -> list[Entry]:
        """
        The entries of a partition that were applied, up to the first that was not.

        :param current: only those in segments before this one.
        """
        found: list[Entry] = []
        for logged in self._logged.get(partition, ()):
            if not logged.applied or (current is not None and logged.segment >= current):
                break
            found.append(logged.entry)
        return found

    async def _persist(self, partition: Partition, current: int | None) -> dict[Partition, Head]:
        """
        :returns: the head up to which the partition is durable now, if it is.
        """
        entries = self._ready(partition, current)
        if not entries or partition in self._undurable:
            return {}
        try:
            await self._applier.persist(entries)
        except Exception:
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
            newer = {p: head for p, head in heads.items() if p in self._logged and self._logged[p][0].entry.head.lsn <= head.lsn}
            first = 0 if current is None else self._first_needed(current, newer)
            await self._state.checkpoint(newer, first or None)
            for partition, head in newer.items():
                self._forget(partition, head.lsn)
        finally:
            self._remembering.release()
        return first

    def _first_needed(self, current: int, done: dict[Partition, Head]) -> int:
        left = (
            logged.segment
            for partition, entries in self._logged.items()
            for logged in entries
            if partition not in done or logged.entry.head.lsn > done[partition].lsn
        )
        return min(left, default=current)

    def _keep(self, logged: Logged) -> None:
        self._logged.setdefault(logged.entry.manifest.partition, deque()).append(logged)
        self._count += 1

    def _forget(self, partition: Partition, lsn: int, last: bool = False) -> None:
        entries = self._logged[partition]
        while entries and (entries[-1].entry.head.lsn >= lsn if last else entries[0].entry.head.lsn <= lsn):
            entries.pop() if last else entries.popleft()
            self._count -= 1
        if not entries:
            del self._logged[partition]

    def _must_be_trusted(self, partition: Partition) -> None:
        why = self._refused.get(tag_of(partition.path), self._refused.get(EVERYBODY))
        if why is not None:
            raise PartitionDamaged(partition, why)


def _whom(tag: bytes) -> str:
    return "anybody" if tag == EVERYBODY else f"partition {tag.hex()}"


def _waiting_for(other: Deferred[None]) -> Deferred[None]:
    """
    Fires when ``other`` does, without taking its result away or cancelling it.
    """
    waiting: Deferred[None] = Deferred()

    def over(result: None) -> None:
        if not waiting.called:
            waiting.callback(None)

    other.addCallback(over)
    return waiting


__all__ = ["BATCH", "NOTES_AFTER", "Log", "Observer", "unobserved"]
