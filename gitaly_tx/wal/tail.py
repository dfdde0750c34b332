"""
The part of the log that is not durable in the repositories yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from attrs import define, field

from .interfaces import Entry, Head, Partition
from .resolve import Logged


@define(eq=False)
class Tail:
    """
    Every entry behind its partition's checkpoint, in order.

    :param count: how many there are.
    """

    count: int = field(default=0, init=False)
    _entries: dict[Partition, deque[Logged]] = field(factory=dict, init=False)

    def __contains__(self, partition: Partition) -> bool:
        return partition in self._entries

    def partitions(self) -> Iterator[Partition]:
        """
        Those that have entries.
        """
        return iter(list(self._entries))

    def keep(self, logged: Logged) -> None:
        """
        Another entry.
        """
        self._entries.setdefault(logged.entry.manifest.partition, deque()).append(logged)
        self.count += 1

    def applied(self, entry: Entry) -> None:
        """
        An entry is visible, and so are all before it.
        """
        for logged in reversed(self._entries.get(entry.manifest.partition, ())):
            if logged.entry.head.lsn <= entry.head.lsn:
                if logged.applied:
                    return
                logged.applied = True

    def ready(self, partition: Partition, before: int | None = None) -> list[Entry]:
        """
        The applied entries of a partition, up to the first that is not.

        :param before: only those in segments before this one.
        """
        found: list[Entry] = []
        for logged in self._entries.get(partition, ()):
            if not logged.applied or (before is not None and logged.segment >= before):
                break
            found.append(logged.entry)
        return found

    def last_two(self, partition: Partition) -> tuple[Logged | None, Logged | None]:
        """
        A partition's last entry and the one before that.
        """
        entries = self._entries.get(partition, deque())
        return entries[-1] if entries else None, entries[-2] if len(entries) > 1 else None

    def first_lsn(self, partition: Partition) -> int | None:
        """
        Of a partition's first entry.
        """
        entries = self._entries.get(partition)
        return entries[0].entry.head.lsn if entries else None

    def durable(self, partition: Partition, lsn: int) -> None:
        """
        A partition's entries up to ``lsn`` need no log any more.
        """
        entries = self._entries[partition]
        while entries and entries[0].entry.head.lsn <= lsn:
            entries.popleft()
            self.count -= 1
        self._drop_if_empty(partition)

    def retracted(self, partition: Partition) -> None:
        """
        A partition's last entry does not count.
        """
        self._entries[partition].pop()
        self.count -= 1
        self._drop_if_empty(partition)

    def give_up(self, partition: Partition) -> set[int]:
        """
        What was not applied of a partition will not be.

        :returns: the numbers of the segments that hold it.
        """
        lost = {logged.segment for logged in self._entries.get(partition, ()) if not logged.applied}
        while partition in self._entries and not self._entries[partition][-1].applied:
            self.retracted(partition)
        return lost

    def first_segment(self, current: int, done: Mapping[Partition, Head]) -> int:
        """
        The oldest segment that is needed once ``done`` is durable; ``current`` if none before it is.
        """
        left = (
            logged.segment
            for partition, entries in self._entries.items()
            for logged in entries
            if partition not in done or logged.entry.head.lsn > done[partition].lsn
        )
        return min(left, default=current)

    def _drop_if_empty(self, partition: Partition) -> None:
        if not self._entries[partition]:
            del self._entries[partition]
