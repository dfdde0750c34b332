"""
A log and a map in memory: they keep the contracts without a disk. Nothing durable may rest on them; they are for tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from .entry import encode
from .interfaces import Entry, Head, HeadChanged, IKeyValue, ILog, Manifest, Partition, PartitionDamaged


@implementer(IKeyValue)
@define(eq=False)
class MemoryKeyValue:
    """
    A dict.
    """

    items: dict[bytes, bytes] = field(factory=dict)

    async def get(self, key: bytes) -> bytes | None:
        """
        One value.
        """
        return self.items.get(key)

    async def put(self, items: Sequence[tuple[bytes, bytes | None]]) -> None:
        """
        Many values.
        """
        for key, value in items:
            if value is None:
                self.items.pop(key, None)
            else:
                self.items[key] = value

    async def close(self) -> None:
        """
        Nothing to let go of.
        """


@implementer(ILog)
@define(eq=False)
class MemoryLog:
    """
    A list for each partition.

    :param damaged: partitions to refuse, and why.
    """

    damaged: Mapping[Partition, str] = field(factory=dict)
    entries: dict[Partition, list[Entry]] = field(factory=dict)
    unapplied: list[Entry] = field(factory=list)
    pending: int = 0
    _base: dict[Partition, Head] = field(factory=dict, init=False)

    async def start(self) -> Sequence[Entry]:
        """
        What was appended and not applied.
        """
        return list(self.unapplied)

    async def head(self, partition: Partition) -> Head:
        """
        Where a partition stands.
        """
        return self._head(partition)

    def append(self, manifest: Manifest, expected: Head) -> Deferred[Entry]:
        """
        Keep an entry.
        """
        try:
            actual = self._head(manifest.partition)
        except PartitionDamaged:
            return fail()
        if actual != expected:
            return fail(HeadChanged(manifest.partition, expected.lsn, actual.lsn))
        entry, _ = encode(manifest, expected, "memory")
        self.entries.setdefault(manifest.partition, []).append(entry)
        self.unapplied.append(entry)
        return succeed(entry)

    async def retract(self, entry: Entry) -> None:
        """
        Forget the last entry.
        """
        own = self.entries[entry.manifest.partition]
        if own[-1] is not entry or entry not in self.unapplied:
            raise HeadChanged(entry.manifest.partition, entry.head.lsn, own[-1].head.lsn)
        own.pop()
        self.unapplied.remove(entry)

    def applied(self, entry: Entry) -> None:
        """
        Do not return it from :meth:`start` again, nor what was before it.
        """
        partition, lsn = entry.manifest.partition, entry.head.lsn
        self.unapplied = [one for one in self.unapplied if one.manifest.partition != partition or one.head.lsn > lsn]

    async def settle(self, entry: Entry) -> None:
        """
        As durable as it gets.
        """

    async def checkpoint(self) -> None:
        """
        Drop what was applied.
        """
        for partition, entries in self.entries.items():
            self._base[partition] = self._head(partition)
            self.entries[partition] = [entry for entry in entries if entry in self.unapplied]

    async def stop(self) -> None:
        """
        Checkpoint.
        """
        await self.checkpoint()

    def _head(self, partition: Partition) -> Head:
        if partition in self.damaged:
            raise PartitionDamaged(partition, self.damaged[partition])
        own = self.entries.get(partition)
        return own[-1].head if own else self._base.get(partition, Head())
