"""
What every coordinator does.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.cluster.interfaces import HeadMoved, ICoordinator
from gitaly_tx.errors import Code
from gitaly_tx.wal.entry import encode
from gitaly_tx.wal.interfaces import Entry, Head, Manifest, Partition
from tests.support.wal import ALPHA, BETA, outcome_of


def entry_after(head: Head, ref: bytes = b"refs/heads/main", partition: Partition = ALPHA) -> Entry:
    """
    An entry.
    """
    return encode(Manifest(partition, head=ref), head, "here")[0]


class CoordinatorContract(SynchronousTestCase):
    """
    The contract of :class:`ICoordinator`.
    """

    def make_coordinator(self) -> ICoordinator:
        """
        One that knows nothing.
        """
        raise NotImplementedError

    def setUp(self) -> None:
        if type(self) is CoordinatorContract:
            self.skipTest("abstract")
        self.coordinator = self.make_coordinator()

    def read(self, partition: Partition = ALPHA) -> Head | None:
        async def done() -> Head | None:
            return await self.coordinator.read(partition)

        head: Head | None = outcome_of(Deferred.fromCoroutine(done()))
        return head

    def commit(self, entry: Entry, expected: Head) -> None:
        async def done() -> None:
            await self.coordinator.commit(entry, expected)

        outcome_of(Deferred.fromCoroutine(done()))

    def test_unknown(self) -> None:
        """
        Of a partition that was never committed to it knows nothing.
        """
        self.assertIsNone(self.read())

    def test_commit(self) -> None:
        """
        A committed entry is the head, and the next must follow it.
        """
        first = entry_after(Head())
        self.commit(first, Head())
        second = entry_after(first.head)
        self.commit(second, first.head)
        self.assertEqual(self.read(), second.head)
        self.assertIsNone(self.read(BETA))

    def test_loser(self) -> None:
        """
        Of two entries that follow the same one, the first wins.
        """
        winner, loser = entry_after(Head()), entry_after(Head(), b"refs/heads/other")
        self.commit(winner, Head())
        error = self.assertRaises(HeadMoved, self.commit, loser, Head())
        self.assertEqual(error.code, Code.ABORTED)
        self.assertEqual(self.read(), winner.head)

    def test_again(self) -> None:
        """
        Whoever did not hear the answer may ask again.
        """
        entry = entry_after(Head())
        self.commit(entry, Head())
        self.commit(entry, Head())
        self.assertEqual(self.read(), entry.head)
