"""
Chains of entries: gaps, repetitions, wrong digests (S5), notes, checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.wal.entry import encode, encode_note, tag_of
from gitaly_tx.wal.interfaces import Entry, Head, Manifest, Partition
from gitaly_tx.wal.records import Damage, Kind, Record
from gitaly_tx.wal.resolve import Read, Resolved, resolve

ALPHA, BETA = Partition("default", "alpha.git"), Partition("default", "beta.git")
TAG = tag_of(ALPHA.path)


def chain(length: int, partition: Partition = ALPHA) -> list[Entry]:
    """
    Entries that follow one another.
    """
    made: list[Entry] = []
    for number in range(length):
        made.append(following(made[-1].head if made else Head(), b"refs/heads/%d" % number, partition))
    return made


def following(head: Head, name: bytes = b"refs/heads/x", partition: Partition = ALPHA) -> Entry:
    """
    An entry after ``head``.
    """
    return encode(Manifest(partition, head=name), head, "here")[0]


def record(entry: Entry, **changes: Any) -> Record:
    """
    The record of an entry.
    """
    payload = encode(entry.manifest, Head(entry.head.epoch, "", entry.head.lsn - 1, entry.previous), entry.head.leader)[1]
    made = Record(Kind.ENTRY, tag_of(entry.manifest.partition.path), entry.head.lsn, payload)
    return evolve(made, **changes)


def note(kind: Kind, entry: Entry) -> Record:
    """
    Something said of an entry.
    """
    return Record(kind, tag_of(entry.manifest.partition.path), entry.head.lsn, encode_note(entry.head))


def resolved(
    *found: Record | Damage, checkpoints: Mapping[bytes, tuple[str, Head]] | None = None, same_boot: bool = True
) -> Resolved:
    """
    Of a log with one segment.
    """
    return resolve("default", [Read(1, found, same_boot)], checkpoints or {})


class ResolveTests(SynchronousTestCase):
    """
    ``resolve``.
    """

    def assertBroken(self, result: Resolved, good: list[Entry], words: str) -> None:
        self.assertEqual([logged.entry for logged in result.entries], good)
        self.assertEqual(set(result.refused), {TAG})
        self.assertIn(words, result.refused[TAG])
        self.assertEqual(result.damaged, {1})
        self.assertEqual(result.heads.get(ALPHA, Head()), good[-1].head if good else Head())

    def test_chain(self) -> None:
        """
        Entries that follow one another count, whatever is between them.
        """
        ours, theirs = chain(3), chain(2, BETA)
        result = resolved(record(ours[0]), record(theirs[0]), record(ours[1]), record(theirs[1]), record(ours[2]))
        self.assertEqual(result.heads, {ALPHA: ours[2].head, BETA: theirs[1].head})
        self.assertEqual(len(result.entries), 5)
        self.assertEqual(result.refused, {})

    def test_gap(self) -> None:
        """
        A missing entry refuses the partition from there on, and no other.
        """
        ours, theirs = chain(4), chain(1, BETA)
        result = resolved(record(ours[0]), record(ours[2]), record(ours[3]), record(theirs[0]))
        self.assertEqual(result.heads[BETA], theirs[0].head)
        result.entries.pop()
        self.assertBroken(result, ours[:1], "entry 3: follows 1")

    def test_missing_beginning(self) -> None:
        """
        A chain must begin where the checkpoint ended.
        """
        self.assertBroken(resolved(record(chain(2)[1])), [], "follows 0")

    def test_repetition(self) -> None:
        """
        The same number twice is refused.
        """
        ours = chain(2)
        self.assertBroken(resolved(record(ours[0]), record(ours[1]), record(ours[1])), ours, "is there twice")

    def test_other_history(self) -> None:
        """
        So is an entry that follows another one than the one before it.
        """
        ours = chain(1)
        stranger = following(Head(0, "", 1, b"x" * 32))
        self.assertBroken(resolved(record(ours[0]), record(stranger)), ours, "digest of the entry before")

    def test_unreadable_entry(self) -> None:
        """
        And a record that holds no entry.
        """
        ours = chain(2)
        self.assertBroken(resolved(record(ours[0]), record(ours[1], payload=b"\xff")), ours[:1], "entry 2")

    def test_record_of_another_place(self) -> None:
        """
        And one whose framing names another place than its content.
        """
        ours = chain(1)
        self.assertBroken(resolved(record(ours[0], lsn=7)), [], "different places")

    def test_checkpoint(self) -> None:
        """
        What lies before the checkpoint does not count any more, and need not be readable.
        """
        ours = chain(3)
        checkpoint = {TAG: (ALPHA.path, ours[1].head)}
        damage = Damage(0, 9, Kind.ENTRY, TAG, 1)
        result = resolved(damage, record(ours[1]), record(ours[2]), checkpoints=checkpoint)
        self.assertEqual([logged.entry for logged in result.entries], ours[2:])
        self.assertEqual((result.refused, len(result.remarks)), ({}, 1))

    def test_checkpoint_alone(self) -> None:
        """
        A partition of which the log has nothing new stands where its checkpoint does.
        """
        ours = chain(2)
        result = resolved(record(ours[0]), checkpoints={TAG: (ALPHA.path, ours[1].head)})
        self.assertEqual((result.entries, result.heads), ([], {ALPHA: ours[1].head}))

    def test_checkpoint_of_another_history(self) -> None:
        """
        The entry that the checkpoint names must be the one that the log has.
        """
        ours = chain(2)
        checkpoint = {TAG: (ALPHA.path, evolve(ours[1].head, digest=b"x" * 32))}
        result = resolved(record(ours[1]), checkpoints=checkpoint)
        self.assertIn("digest is not that of the checkpoint", result.refused[TAG])

    def test_applied(self) -> None:
        """
        A note covers an entry and all before it, under the same kernel only.
        """
        ours = chain(3)
        found = (*map(record, ours), note(Kind.APPLIED, ours[1]))
        self.assertEqual([logged.applied for logged in resolved(*found).entries], [True, True, False])
        self.assertEqual([logged.applied for logged in resolved(*found, same_boot=False).entries], [False] * 3)

    def test_aborted(self) -> None:
        """
        An aborted entry does not count, and its number is taken by the next.
        """
        ours = chain(2)
        instead = following(ours[0].head, b"refs/heads/instead")
        result = resolved(*map(record, ours), evolve(note(Kind.ABORTED, ours[1]), offset=9), record(instead, offset=10))
        self.assertEqual([logged.entry for logged in result.entries], [ours[0], instead])
        self.assertEqual(result.refused, {})

    def test_aborted_and_made_again(self) -> None:
        """
        An abort says nothing of what stands behind it, even if that is the very same write.
        """
        ours = chain(2)
        found = [record(ours[0]), record(ours[1]), note(Kind.ABORTED, ours[1]), record(ours[1])]
        placed = [evolve(item, offset=offset) for offset, item in enumerate(found)]
        self.assertEqual([logged.entry for logged in resolved(*placed).entries], ours)
        self.assertEqual(resolved(*placed).refused, {})

    def test_unreadable_abort(self) -> None:
        """
        If it cannot be known what was aborted, the partition is refused.
        """
        ours = chain(1)
        result = resolved(record(ours[0]), evolve(note(Kind.ABORTED, ours[0]), payload=b"\xff"))
        self.assertEqual(set(result.refused), {TAG})
