"""
What every write-ahead log does.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.wal.entry import digest, encode_manifest
from gitaly_tx.wal.interfaces import Entry, Head, HeadChanged, ILog, Manifest, Partition
from tests.support.wal import ALPHA, BETA, MAIN, outcome_of


class LogContract(SynchronousTestCase):
    """
    The contract of :class:`ILog`, for logs that answer at once.
    """

    def make_log(self) -> ILog:
        """
        An empty one, not started.
        """
        raise NotImplementedError

    def setUp(self) -> None:
        if type(self) is LogContract:
            self.skipTest("abstract")
        self.log = self.make_log()
        self.assertEqual(list(self.start()), [])

    def start(self) -> Sequence[Entry]:
        async def done() -> Sequence[Entry]:
            return await self.log.start()

        entries: Sequence[Entry] = outcome_of(Deferred.fromCoroutine(done()))
        return entries

    def head(self, partition: Partition = ALPHA) -> Head:
        async def done() -> Head:
            return await self.log.head(partition)

        head: Head = outcome_of(Deferred.fromCoroutine(done()))
        return head

    def append(self, partition: Partition = ALPHA, expected: Head | None = None) -> Entry:
        manifest = Manifest(partition, head=MAIN)
        entry: Entry = outcome_of(self.log.append(manifest, self.head(partition) if expected is None else expected))
        return entry

    def run_one(self, name: str, *args: object) -> None:
        async def done() -> None:
            await getattr(self.log, name)(*args)

        outcome_of(Deferred.fromCoroutine(done()))

    def test_empty(self) -> None:
        """
        Before the first entry a partition's head is zero, and nothing is pending.
        """
        self.assertEqual(self.head(), Head())
        self.assertEqual(self.log.pending, 0)

    def test_append(self) -> None:
        """
        Entries are numbered from 1 and chained; the head is that of the last.
        """
        first, second = self.append(), self.append()
        self.assertEqual([first.head.lsn, second.head.lsn], [1, 2])
        self.assertEqual([first.previous, second.previous], [bytes(32), first.head.digest])
        self.assertEqual(second.head.digest, digest(first.head.digest, 0, 2, encode_manifest(second.manifest)))
        self.assertEqual(self.head(), second.head)

    def test_partitions(self) -> None:
        """
        Each partition counts for itself.
        """
        self.append()
        self.assertEqual(self.append(BETA).head.lsn, 1)
        self.assertEqual(self.head().lsn, 1)

    def test_another_head(self) -> None:
        """
        An entry that would not follow the last is refused, and changes nothing.
        """
        first = self.append()
        for wrong in (Head(), evolve(first.head, digest=b"x" * 32), evolve(first.head, lsn=2)):
            error = self.assertRaises(HeadChanged, self.append, ALPHA, wrong)
            self.assertEqual(error.message, "partition's log has moved")
        self.assertEqual(self.head(), first.head)

    def test_retract(self) -> None:
        """
        The last entry can be struck out; its number is free again.
        """
        first, second = self.append(), self.append()
        self.run_one("retract", second)
        self.assertEqual(self.head(), first.head)
        again = self.append()
        self.assertEqual(again, second)
        self.run_one("stop")
        self.assertEqual([entry.head for entry in self.start()], [first.head, again.head])
        self.log.applied(again)
        self.assertRaises(HeadChanged, self.run_one, "retract", first)

    def test_retract_the_first(self) -> None:
        """
        Also if it is the only one.
        """
        self.run_one("retract", self.append())
        self.assertEqual(self.head(), Head())

    def test_retract_what_was_applied(self) -> None:
        """
        What is visible cannot be struck out.
        """
        entry = self.append()
        self.log.applied(entry)
        self.assertRaises(HeadChanged, self.run_one, "retract", entry)

    def test_checkpoint(self) -> None:
        """
        A checkpoint changes no head.
        """
        entry = self.append()
        self.log.applied(entry)
        self.run_one("settle", entry)
        self.append(BETA)
        self.run_one("checkpoint")
        self.assertEqual((self.head(), self.head(BETA).lsn), (entry.head, 1))
        self.assertEqual(self.append().head.lsn, 2)

    def test_start_again(self) -> None:
        """
        A start tells what was appended and not applied, in order.
        """
        entries = [self.append(), self.append(BETA), self.append()]
        self.log.applied(entries[0])
        self.run_one("stop")
        self.assertEqual([entry.head for entry in self.start()], [entry.head for entry in entries[1:]])
        self.assertEqual(self.head(), entries[2].head)
