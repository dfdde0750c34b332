"""
All that makes writes to one storage durable, put together: what the server starts and stops.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from posixpath import join

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ..errors import GitalyError
from ..git.interfaces import IGit, IRefs
from ..observability.failpoints import failpoint
from .apply import Applier
from .gitinit import by_git
from .groupcommit import Observer, unobserved
from .intents import Intents
from .interfaces import Entry, IKeyValue, Partition
from .keyvalue import SQLiteKeyValue
from .layout import Disk, Layout
from .lock import StorageLock, boot_id, prepare_layout
from .log import Log
from .recover import IsComplete, Recovery, completeness
from .staged import INLINE, StagedFiles
from .state import State
from .threads import InThread

log = Logger()

CHECKPOINT_EVERY = 120.0
"""Seconds between checkpoints, if there is anything to do."""

SEGMENT_SIZE = 16 << 20
"""Bytes of the log that are enough for a checkpoint."""

RETRY_EVERY = 2.0
"""Seconds between attempts to apply what could not be applied at start."""


@define(eq=False)
class Store:
    """
    One storage's log with everything around it. Made by :func:`make_store`.

    :param name: the storage's.
    """

    name: str
    layout: Layout
    log: Log
    applier: Applier
    staged: StagedFiles
    intents: Intents
    _recovery: Recovery
    _map: IKeyValue
    _lock: StorageLock
    _in_thread: InThread
    _clock: IReactorTime
    _checkpoint_every: float = CHECKPOINT_EVERY
    _left: dict[Partition, list[Entry]] = field(factory=dict, init=False)
    _timers: list[LoopingCall] = field(factory=list, init=False)
    _checkpoint: Deferred[None] | None = field(default=None, init=False)

    @property
    def failing(self) -> frozenset[Partition]:
        """
        Partitions with committed writes that cannot be made visible or durable now, because of the disk.
        """
        return frozenset(self._left) | self.log.undurable

    async def start(self) -> None:
        """
        Take the storage, remove what a crash left, make visible what was committed. When it returns, readers see every
        acknowledged write.

        :raises GitalyError: FAILED_PRECONDITION if the storage is in use, or holds what this version does not know.
        """
        await self._in_thread(self._lock.acquire)
        try:
            await self._in_thread(prepare_layout, self.layout)
            await self._in_thread(self.intents.sweep)
            failpoint("start.after_intents")
            entries = await self.log.start()
            failpoint("start.after_log")
            wanted = [file for entry in entries for file in entry.manifest.staged if file.source]
            await self._in_thread(self.staged.sweep, wanted, bool(self.log.refused))
            trash = await self._in_thread(self._sweep_staging)
            failpoint("start.after_sweep")
            self._left = await self._recovery.replay(entries)
            failpoint("start.after_replay")
        except BaseException:
            await self._map.close()
            await self._in_thread(self._lock.release)
            raise
        for path in trash:
            self.applier.delete_in_background(path)
        self._every(self._checkpoint_every, self.checkpoint_soon)
        self._every(RETRY_EVERY, self.retry)
        self.checkpoint_soon()

    async def stop(self) -> None:
        """
        Finish and let go of the storage. Nobody commits any more.
        """
        for timer in self._timers:
            if timer.running:
                timer.stop()
        self._timers.clear()
        if self._checkpoint is not None:
            await self._checkpoint
        await self.log.stop()
        await self._map.close()
        await self._in_thread(self._lock.release)

    def checkpoint_soon(self) -> None:
        """
        Begin a checkpoint, unless one is under way. Its failure is logged: the log just stays longer.
        """
        if self._checkpoint is not None:
            return
        done: Deferred[None] = Deferred()
        self._checkpoint = done

        async def run() -> None:
            try:
                await self.log.checkpoint()
            except Exception:
                log.failure("no checkpoint of storage {storage}", storage=self.name)
            finally:
                self._checkpoint = None
                done.callback(None)

        Deferred.fromCoroutine(run())

    async def catch_up(self, partition: Partition) -> None:
        """
        See that everything committed to a partition is visible, before somebody writes to it.

        :raises GitalyError: or OSError, if the disk is still in the way.
        """
        if partition in self._left:
            await self._recovery.replay_partition(self._left[partition])
            self._left.pop(partition, None)

    async def retry(self) -> None:
        """
        Try again what could not be done at start.
        """
        for partition in list(self._left):
            try:
                await self.catch_up(partition)
            except (GitalyError, OSError) as error:
                log.warn("entries of {partition} cannot be applied yet: {error}", partition=str(partition), error=error)

    def _every(self, seconds: float, what: Callable[[], object]) -> None:
        timer = LoopingCall(what)
        timer.clock = self._clock
        timer.start(seconds, now=False)
        self._timers.append(timer)

    def _sweep_staging(self) -> list[str]:
        """
        Nothing in there is needed: the log has its own hold of what entries name. Deleting may take long, so it waits.

        :returns: what is to be deleted.
        """
        if os.listdir(self.layout.staging):
            os.rename(self.layout.staging, join(self.layout.trash, os.path.basename(self.layout.scratch("staging"))))
            os.mkdir(self.layout.staging)
        return [join(self.layout.trash, name) for name in os.listdir(self.layout.trash)]


def make_store(
    name: str,
    root: str,
    *,
    refs: IRefs,
    git: IGit | None,
    clock: IReactorTime,
    in_writer: InThread,
    in_thread: InThread,
    leader: str = "",
    observer: Observer = unobserved,
    inline: int = INLINE,
    disk: Disk | None = None,
    boot: bytes | None = None,
    key_value: IKeyValue | None = None,
    is_complete: IsComplete | None = None,
    segment_size: int = SEGMENT_SIZE,
    checkpoint_every: float = CHECKPOINT_EVERY,
) -> Store:
    """
    Put one together; nothing is touched before :meth:`Store.start`.

    :param root: the storage's directory, absolute.
    :param git: for what only git can do: repositories with reftables, and walking history where a pack is missing.
    :param clock: for timers, and to measure.
    :param in_writer: one thread that belongs to this store alone.
    :param in_thread: other threads, several.
    :param leader: this server's name.
    :param observer: told after every fsync of the log: seconds, entries, bytes.
    :param inline: the most bytes of a file that goes into the log itself.
    :param segment_size: bytes of the log that are enough for a checkpoint.
    :param checkpoint_every: seconds between checkpoints, if there is anything to do.
    """
    layout = Layout(root.rstrip("/"))
    disk = Disk() if disk is None else disk
    key_value = SQLiteKeyValue(layout.state, in_thread) if key_value is None else key_value
    if is_complete is None:
        is_complete = _nobody_knows if git is None else completeness(git)
    staged = StagedFiles(layout, inline)
    applier = Applier(layout, refs, in_thread) if git is None else Applier(layout, refs, in_thread, by_git(git))
    made: list[Store] = []
    storage_log = Log(
        name,
        layout,
        disk,
        State(key_value),
        staged,
        applier,
        in_writer,
        in_thread,
        clock,
        leader,
        boot_id() if boot is None else boot,
        observer,
        lambda: made[0].checkpoint_soon(),
        segment_size,
    )
    recovery = Recovery(storage_log, applier, staged, refs, in_thread, is_complete)
    lock = StorageLock(layout)
    made.append(
        Store(
            name,
            layout,
            storage_log,
            applier,
            staged,
            Intents(layout),
            recovery,
            key_value,
            lock,
            in_thread,
            clock,
            checkpoint_every,
        )
    )
    return made[0]


def _nobody_knows(directory: object, oids: object) -> Awaitable[bool]:
    done: Deferred[bool] = Deferred()
    done.callback(False)
    return done


__all__ = ["CHECKPOINT_EVERY", "RETRY_EVERY", "Store", "make_store"]
