"""
What a log says, once all of it was read: which entries count, and whom it does not speak for any more. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import define, field, frozen

from .entry import Malformed, decode, decode_note, tag_of
from .interfaces import Entry, Head, Partition
from .records import Damage, Kind, Record

EVERYBODY = b""
"""The tag that stands for all partitions, where damage belongs to nobody in particular."""


@frozen
class Read:
    """
    One segment, read.

    :param number: the segment's.
    :param found: its records and damages in order, without a torn tail.
    :param same_boot: written since the machine was started: what was applied then is in the repositories now, synced or not.
    """

    number: int
    found: tuple[Record | Damage, ...]
    same_boot: bool


@define
class Logged:
    """
    An entry that counts.

    :param segment: the number of the segment that holds it.
    :param applied: known to be visible in its repository.
    """

    entry: Entry
    segment: int
    applied: bool = False


@define
class Resolved:
    """
    :param entries: those behind their partitions' checkpoints, in log order.
    :param heads: of all partitions that the log names.
    :param refused: why a partition takes no writes, by tag.
    :param damaged: numbers of the segments that hold what cannot be read or believed.
    :param remarks: what an operator should know although it does no harm.
    """

    entries: list[Logged] = field(factory=list)
    heads: dict[Partition, Head] = field(factory=dict)
    refused: dict[bytes, str] = field(factory=dict)
    damaged: set[int] = field(factory=set)
    remarks: list[str] = field(factory=list)


def tags(segments: Iterable[Read]) -> set[bytes]:
    """
    The partitions that are named somewhere.
    """
    return {item.tag for segment in segments for item in segment.found if item.tag is not None}


def resolve(storage: str, segments: Iterable[Read], checkpoints: Mapping[bytes, tuple[str, Head]]) -> Resolved:
    """
    Follow each partition's chain from its checkpoint on.

    A partition whose chain breaks is refused from there on: what stands before the break still counts, what stands after it does
    not.

    :param storage: the name of the storage.
    :param segments: all of them, oldest first.
    :param checkpoints: path and head of the partitions that have a checkpoint, by tag.
    """
    return _Resolution(storage, dict(checkpoints)).run(list(segments))


@define
class _Resolution:
    storage: str
    checkpoints: dict[bytes, tuple[str, Head]]
    result: Resolved = field(factory=Resolved)
    applied: dict[bytes, int] = field(factory=dict)

    def run(self, segments: list[Read]) -> Resolved:
        aborted = self._notes(segments)
        for segment in segments:
            for item in segment.found:
                if isinstance(item, Damage):
                    self._damage(segment.number, item)
                elif item.kind is Kind.ENTRY:
                    self._entry(segment.number, item, aborted)
        for logged in self.result.entries:
            logged.applied = logged.entry.head.lsn <= self.applied.get(tag_of(logged.entry.manifest.partition.path), 0)
        return self.result

    def _notes(self, segments: list[Read]) -> dict[bytes, tuple[int, int]]:
        """
        First of all what was said about entries, because an abort stands behind what it aborts.

        :returns: where the last abort of each digest stands. The same write may have been made again after it.
        """
        aborted: dict[bytes, tuple[int, int]] = {}
        for segment in segments:
            for item in segment.found:
                if isinstance(item, Damage) or item.kind is Kind.ENTRY:
                    continue
                if item.kind is Kind.ABORTED:
                    try:
                        aborted[decode_note(item.payload)] = (segment.number, item.offset)
                    except Malformed:
                        self._refuse(segment.number, item.tag, item.lsn, "unreadable abort")
                elif segment.same_boot:
                    self.applied[item.tag] = max(self.applied.get(item.tag, 0), item.lsn)
        return aborted

    def _entry(self, number: int, record: Record, aborted: Mapping[bytes, tuple[int, int]]) -> None:
        try:
            entry = decode(record.payload, self.storage)
        except Malformed as error:
            self._refuse(number, record.tag, record.lsn, str(error))
            return
        head, partition = entry.head, entry.manifest.partition
        if (number, record.offset) < aborted.get(head.digest, (0, 0)):
            return
        if tag_of(partition.path) != record.tag or head.lsn != record.lsn:
            self._refuse(number, record.tag, record.lsn, "record and entry name different places")
            self._refuse(number, tag_of(partition.path), head.lsn, "record and entry name different places")
            return
        before = self._head(partition, record.tag)
        checkpoint = self.checkpoints.get(record.tag, ("", Head()))[1]
        if record.tag in self.result.refused:
            return
        if head.lsn <= checkpoint.lsn:
            if head.lsn == checkpoint.lsn and head.digest != checkpoint.digest:
                self._refuse(number, record.tag, head.lsn, "digest is not that of the checkpoint")
        elif head.lsn != before.lsn + 1:
            why = "is there twice" if head.lsn <= before.lsn else f"follows {before.lsn}"
            self._refuse(number, record.tag, head.lsn, why)
        elif entry.previous != before.digest:
            self._refuse(number, record.tag, head.lsn, "digest of the entry before is another")
        else:
            self.result.heads[partition] = head
            self.result.entries.append(Logged(entry, number))

    def _head(self, partition: Partition, tag: bytes) -> Head:
        if partition not in self.result.heads:
            self.result.heads[partition] = self.checkpoints.get(tag, ("", Head()))[1]
        return self.result.heads[partition]

    def _damage(self, number: int, damage: Damage) -> None:
        if damage.tag is None:
            self.result.refused.setdefault(EVERYBODY, f"segment {number} cannot be read from {damage.offset} to {damage.end}")
            self.result.damaged.add(number)
        elif damage.kind == Kind.APPLIED:
            self.result.remarks.append(f"segment {number}: unreadable note at {damage.offset}; the entry is applied again")
        elif damage.lsn <= self.checkpoints.get(damage.tag, ("", Head()))[1].lsn:
            self.result.remarks.append(f"segment {number}: unreadable entry at {damage.offset}, which nobody needs any more")
        else:
            self._refuse(number, damage.tag, damage.lsn, "checksum is wrong")

    def _refuse(self, number: int, tag: bytes, lsn: int, why: str) -> None:
        self.result.refused.setdefault(tag, f"segment {number}, entry {lsn}: {why}")
        self.result.damaged.add(number)
