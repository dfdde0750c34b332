"""
The one question a cluster answers: is this entry the partition's next one, for everybody?
"""

from __future__ import annotations

from collections.abc import Awaitable

from zope.interface import Interface

from ..errors import Code, GitalyError
from ..wal.interfaces import Entry, Head, Partition


class HeadMoved(GitalyError):
    """
    Somebody else's entry became the partition's next one.
    """

    def __init__(self, partition: Partition, expected: Head, actual: Head) -> None:
        facts = {"partition": str(partition), "expected": expected.lsn, "actual": actual.lsn}
        super().__init__("partition's head has moved", Code.ABORTED, facts)


class ICoordinator(Interface):
    """
    Keeps every partition's head and changes it by compare-and-swap.
    """

    def read(partition: Partition) -> Awaitable[Head | None]:
        """
        The committed head; ``None`` if the coordinator knows nothing of the partition, so that the local log decides.
        """

    def commit(entry: Entry, expected: Head) -> Awaitable[None]:
        """
        Make ``entry.head`` the partition's head, if it still is ``expected``. The entry is durable in the local log already.

        :raises HeadMoved: if it is not; the entry will never be applied.
        :raises GitalyError: UNAVAILABLE if nobody can say.
        """
