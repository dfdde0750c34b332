"""
One server: whoever has the entry durable in the local log has it committed.
"""

from __future__ import annotations

from attrs import define, field
from zope.interface import implementer

from ..wal.interfaces import Entry, Head, Partition
from .interfaces import HeadMoved, ICoordinator


@implementer(ICoordinator)
@define(eq=False)
class LocalCoordinator:
    """
    Compare-and-swap in memory. It knows of a partition what was committed through it; before that the log decides.

    :param heads: what is known from the start.
    """

    _heads: dict[Partition, Head] = field(factory=dict)

    async def read(self, partition: Partition) -> Head | None:
        """
        The head, if anything was committed yet.
        """
        return self._heads.get(partition)

    async def commit(self, entry: Entry, expected: Head) -> None:
        """
        Take the next head. The same entry a second time is no error: whoever was in doubt may ask again.
        """
        partition = entry.manifest.partition
        actual = self._heads.get(partition, expected)
        if actual not in (expected, entry.head):
            raise HeadMoved(partition, expected, actual)
        self._heads[partition] = entry.head
