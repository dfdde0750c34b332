"""
Disks that fail or forget, and a log on one.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from zope.interface import implementer

from gitaly_tx.wal.interfaces import Entry, Head, IApplier, Manifest, MoveRefs, Partition
from gitaly_tx.wal.keyvalue import SQLiteKeyValue
from gitaly_tx.wal.layout import Disk, Layout
from gitaly_tx.wal.lock import prepare_layout
from gitaly_tx.wal.log import Log
from gitaly_tx.wal.staged import StagedFiles
from gitaly_tx.wal.state import State
from gitaly_tx.wal.threads import InThread
from tests.support.threads import inline_threads
from tests.support.wal import BOOT, MAIN, outcome_of

ALPHA, BETA = Partition("default", "alpha.git"), Partition("default", "beta.git")


class FaultyDisk(Disk):
    """
    Fails when told to, and counts.
    """

    def __init__(self) -> None:
        self.faults: dict[str, list[int | None]] = {}
        self.counts: dict[str, int] = {}
        self.torn = 0

    def fail(self, operation: str, *numbers: int | None) -> None:
        """
        Let the next calls of an operation fail with these errors, or pass for each ``None``.
        """
        self.faults[operation] = list(numbers)

    def _count(self, operation: str) -> None:
        self.counts[operation] = self.counts.get(operation, 0) + 1
        waiting = self.faults.get(operation)
        number = waiting.pop(0) if waiting else None
        if number is not None:
            raise OSError(number, os.strerror(number))

    def create(self, path: str) -> int:
        self._count("create")
        return super().create(path)

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        try:
            self._count("write")
        except OSError:
            super().write(descriptor, data[: len(data) // 2], offset)
            raise
        super().write(descriptor, data, offset)

    def sync(self, descriptor: int) -> None:
        self._count("sync")
        super().sync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        self._count("truncate")
        super().truncate(descriptor, size)

    def rename(self, old: str, new: str) -> None:
        self._count("rename")
        super().rename(old, new)

    def sync_directory(self, path: str) -> None:
        self._count("sync_directory")
        super().sync_directory(path)


@implementer(IApplier)
@define(eq=False)
class RecordingApplier:
    """
    Applies nothing, and knows what it was asked to make durable.

    :param errors: what to fail with, by partition.
    """

    persisted: list[Head] = field(factory=list)
    errors: dict[Partition, int] = field(factory=dict)
    held: list[Deferred[None]] | None = None

    def apply(self, entry: Entry, move_refs: MoveRefs | None = None) -> Awaitable[None]:
        raise NotImplementedError

    def persist(self, entries: Sequence[Entry]) -> Deferred[None]:
        partition = entries[0].manifest.partition
        if partition in self.errors:
            return fail(OSError(self.errors[partition], "no"))
        self.persisted += [entry.head for entry in entries]
        if self.held is None:
            return succeed(None)
        self.held.append(Deferred())
        return self.held[-1]


@define(eq=False)
class LogOnDisk:
    """
    A log with everything it needs, in which all happens at once.
    """

    root: str
    boot: bytes = BOOT
    disk: Disk = field(factory=FaultyDisk)
    applier: RecordingApplier = field(factory=RecordingApplier)
    clock: Clock = field(factory=Clock)
    in_writer: InThread = inline_threads
    synced: list[tuple[float, int, int]] = field(factory=list)
    full: int = 0
    settings: dict[str, Any] = field(factory=dict)
    layout: Layout = field(init=False)
    map: SQLiteKeyValue = field(init=False)
    log: Log = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.layout = Layout(self.root)
        prepare_layout(self.layout)
        self.map = SQLiteKeyValue(self.layout.state, inline_threads)

        def full() -> None:
            self.full += 1

        self.log = Log(
            "default",
            self.layout,
            self.disk,
            State(self.map),
            StagedFiles(self.layout, 1000),
            self.applier,
            self.in_writer,
            inline_threads,
            self.clock,
            "here",
            self.boot,
            lambda *measured: self.synced.append(measured),
            full,
            **self.settings,
        )

    def run(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """
        Await something that does not wait.
        """

        async def done() -> Any:
            return await work()

        return outcome_of(Deferred.fromCoroutine(done()))

    def start(self) -> Sequence[Entry]:
        entries: Sequence[Entry] = self.run(self.log.start)
        return entries

    def head(self, partition: Partition = ALPHA) -> Head:
        head: Head = self.run(lambda: self.log.head(partition))
        return head

    def begin(self, partition: Partition = ALPHA, manifest: Manifest | None = None) -> Deferred[Entry]:
        """
        Append to a partition.
        """
        return self.log.append(Manifest(partition, head=MAIN) if manifest is None else manifest, self.head(partition))

    def append(self, partition: Partition = ALPHA, manifest: Manifest | None = None) -> Entry:
        """
        Append, and wait for it.
        """
        entry: Entry = outcome_of(self.begin(partition, manifest))
        return entry

    def checkpoint(self) -> None:
        self.run(self.log.checkpoint)

    def stop(self) -> None:
        self.run(self.log.stop)
        self.die()

    def die(self) -> None:
        """
        Finish nothing.
        """
        self.run(self.map.close)

    def segments(self) -> list[int]:
        return self.layout.segments()

    def damage(self, number: int, place: int, value: int | None = None) -> None:
        """
        Change a byte of a segment.
        """
        with open(self.layout.segment(number), "r+b") as file:
            file.seek(place)
            old = file.read(1)[0]
            file.seek(place)
            file.write(bytes([old ^ 0xFF if value is None else value]))


EIO, ENOSPC, EROFS = errno.EIO, errno.ENOSPC, errno.EROFS
