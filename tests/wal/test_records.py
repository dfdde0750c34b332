"""
Segments: framing, torn tails, damage; every cut (S1) and every flipped bit (S2 to S4) of a small log.
"""

from __future__ import annotations

from attrs import evolve, frozen
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.wal.entry import encode, encode_note, tag_of
from gitaly_tx.wal.interfaces import Entry, Head, Manifest, Partition
from gitaly_tx.wal.records import (
    SEGMENT_SIZE,
    Damage,
    Kind,
    Record,
    Segment,
    UnknownFormat,
    encode_record,
    scan,
    torn_at,
)
from gitaly_tx.wal.resolve import EVERYBODY, Read, Resolved, resolve
from tests.support.wal import ZERO, moving

ALPHA, BETA = Partition("default", "alpha.git"), Partition("default", "beta.git")
SEGMENT = Segment(1, b"storage identity", b"boot identity...", b"salt nobody has.")


def value(number: int) -> ObjectID:
    """
    An id that stands for a commit.
    """
    return ObjectID(f"{number:040x}")


@frozen
class Built:
    """
    A log in the making: each record was synced before the next was written.
    """

    data: bytes
    entries: tuple[Entry, ...] = ()
    starts: tuple[int, ...] = ()

    def entry(self, partition: Partition, number: int, durable: int | None = None) -> Built:
        """
        One more entry: the partition's ``main`` goes to ``number``.
        """
        own = [entry for entry in self.entries if entry.manifest.partition == partition]
        expected = own[-1].head if own else Head()
        old = own[-1].manifest.refs[0].new if own else ZERO
        made, payload = encode(moving((b"refs/heads/main", old, value(number)), partition=partition), expected, "here")
        return self.record(Kind.ENTRY, made, payload, durable)

    def record(self, kind: Kind, entry: Entry, payload: bytes, durable: int | None = None) -> Built:
        """
        Any record.
        """
        start = len(self.data)
        tag = tag_of(entry.manifest.partition.path)
        framed = encode_record(SEGMENT, kind, tag, entry.head.lsn, payload, start if durable is None else durable)
        entries = (*self.entries, entry) if kind is Kind.ENTRY else self.entries
        return Built(self.data + framed, entries, (*self.starts, start))


EMPTY = Built(SEGMENT.encode())
THREE = EMPTY.entry(ALPHA, 1).entry(BETA, 2).entry(ALPHA, 3)


@frozen
class Read_:
    """
    What a server makes of a log: the refs that its entries give, who is refused, how much of the file counts.
    """

    refs: dict[Partition, ObjectID]
    resolved: Resolved
    end: int


def read(data: bytes) -> Read_:
    """
    Read a log of one segment.

    :raises UnknownFormat: if it is refused as a whole.
    """
    segment = Segment.decode(data, "1")
    found = list(scan(segment, data, SEGMENT_SIZE, len(data)))
    end = torn_at(found, len(data))
    resolved = resolve("default", [Read(1, tuple(item for item in found if item.offset < end), True)], {})
    refs = {}
    for logged in resolved.entries:
        refs[logged.entry.manifest.partition] = logged.entry.manifest.refs[-1].new
    return Read_(refs, resolved, end)


WHOLE = {ALPHA: value(3), BETA: value(2)}
WITHOUT_LAST = {ALPHA: value(1), BETA: value(2)}


class FlipTests(SynchronousTestCase):
    """
    No flipped bit ever leads to a wrong ref.
    """

    def test_whole(self) -> None:
        """
        An undamaged log is read as it was written.
        """
        self.assertEqual(read(THREE.data).refs, WHOLE)
        self.assertEqual(read(THREE.data).resolved.refused, {})
        self.assertEqual([logged.entry for logged in read(THREE.data).resolved.entries], list(THREE.entries))

    def test_every_bit_of_the_header(self) -> None:
        """
        A damaged segment header refuses the whole log.
        """
        for bit in range(SEGMENT_SIZE * 8):
            self.assertRaises(UnknownFormat, read, flipped(THREE.data, bit))

    def test_every_bit_of_the_records(self) -> None:
        """
        Damage in what is known to be durable refuses the partition it belongs to and no other; damage in the last record, which
        nothing proves to have been acknowledged, cuts that off. Neither gives a ref a value it never had.
        """
        for bit in range(SEGMENT_SIZE * 8, len(THREE.data) * 8):
            place = bit // 8
            result = read(flipped(THREE.data, bit))
            refused = set(result.resolved.refused)
            self.assertNotIn(EVERYBODY, refused)
            if place >= THREE.starts[2]:
                self.assertEqual(refused, set())
                self.assertEqual(result.refs, WHOLE if result.end == len(THREE.data) else WITHOUT_LAST, place)
                self.assertIn(result.end, (THREE.starts[2], len(THREE.data)))
                continue
            owner = ALPHA if place < THREE.starts[1] else BETA
            if refused:
                self.assertEqual(refused, {tag_of(owner.path)}, place)
                others = {partition: oid for partition, oid in WHOLE.items() if partition != owner}
                self.assertEqual(result.refs, others, place)
                self.assertEqual(result.resolved.damaged, {1})
            else:
                self.assertEqual(result.refs, WHOLE, place)

    def test_every_cut(self) -> None:
        """
        A log that ends anywhere is as if its last record had never been begun.
        """
        for length in range(SEGMENT_SIZE, len(THREE.data)):
            result = read(THREE.data[:length])
            whole = sum(length >= end for end in (*THREE.starts[1:], len(THREE.data)))
            expected = [{}, {ALPHA: value(1)}, WITHOUT_LAST][whole]
            self.assertEqual((result.refs, result.resolved.refused), (expected, {}), length)
            self.assertEqual(result.end, [SEGMENT_SIZE, *THREE.starts[1:]][whole])

    def test_every_short_header(self) -> None:
        """
        A segment that is shorter than its header is refused.
        """
        for length in range(SEGMENT_SIZE):
            self.assertRaises(UnknownFormat, read, THREE.data[:length])

    def test_acknowledged_last_entry(self) -> None:
        """
        Once a note says that the last entry was applied, damage in it is damage, and no torn tail.
        """
        noted = THREE.record(Kind.APPLIED, THREE.entries[2], encode_note(THREE.entries[2].head))
        for place in (THREE.starts[2] + 3, THREE.starts[2] + 70, noted.starts[3] - 40):
            result = read(flipped(noted.data, place * 8))
            self.assertEqual(result.refs, WITHOUT_LAST)
            self.assertEqual(set(result.resolved.refused), {tag_of(ALPHA.path)})

    def test_damaged_note(self) -> None:
        """
        A note that cannot be read is remarked upon; its entry is applied again.
        """
        noted = THREE.record(Kind.APPLIED, THREE.entries[0], encode_note(THREE.entries[0].head)).entry(BETA, 4)
        for place in (noted.starts[3] + 1, noted.starts[3] + 60):
            result = read(flipped(noted.data, place * 8))
            self.assertEqual(result.refs, {ALPHA: value(3), BETA: value(4)})
            self.assertEqual((result.resolved.refused, len(result.resolved.remarks)), ({}, 1))
            self.assertFalse(any(logged.applied for logged in result.resolved.entries))

    def test_batch_whose_pages_came_out_of_order(self) -> None:
        """
        Of records that were never synced, those in front may be missing and later ones there: all of them go.
        """
        durable = THREE.starts[2]
        batch = EMPTY.entry(ALPHA, 1).entry(BETA, 2).entry(ALPHA, 3, durable).entry(BETA, 4, durable).entry(ALPHA, 5, durable)
        lost = batch.data[: batch.starts[2]] + bytes(batch.starts[3] - batch.starts[2]) + batch.data[batch.starts[3] :]
        result = read(lost)
        self.assertEqual((result.refs, result.resolved.refused, result.end), (WITHOUT_LAST, {}, durable))

    def test_two_damaged_headers(self) -> None:
        """
        If it cannot be said whose the damage is, everybody is refused.
        """
        five = THREE.entry(BETA, 4).entry(ALPHA, 5)
        damaged = flipped(flipped(five.data, five.starts[1] * 8), five.starts[2] * 8)
        self.assertEqual(set(read(damaged).resolved.refused), {EVERYBODY, tag_of(ALPHA.path), tag_of(BETA.path)})

    def test_forged_record(self) -> None:
        """
        Content that looks like a record is none: whoever made it does not know the salt.
        """
        payload = encode(moving((b"refs/heads/main", ZERO, value(9)), partition=BETA), Head(), "")[1]
        wrong = evolve(SEGMENT, salt=bytes(16))
        bait = encode_record(wrong, Kind.ENTRY, tag_of(BETA.path), 1, payload, 1 << 40)
        entry, _ = encode(Manifest(ALPHA, head=bait), Head(), "")
        carrying = EMPTY.record(Kind.ENTRY, entry, encode(Manifest(ALPHA, head=bait), Head(), "")[1]).entry(BETA, 2)
        self.assertIn(bait, carrying.data)
        result = read(flipped(carrying.data, carrying.starts[0] * 8))
        self.assertEqual(result.refs, {BETA: value(2)})
        self.assertEqual(set(result.resolved.refused), {tag_of(ALPHA.path)})


class SegmentTests(SynchronousTestCase):
    """
    Headers, and formats that are not ours (S5).
    """

    def test_round_trip(self) -> None:
        """
        A header is read as it was written.
        """
        segment = Segment(9, b"s" * 16, b"b" * 16, b"x" * 16, 1 << 40)
        self.assertEqual(Segment.decode(segment.encode() + b"more", "9"), segment)
        self.assertEqual(len(segment.encode()), SEGMENT_SIZE)

    def assertRefused(self, data: bytes, words: str) -> None:
        error = self.assertRaises(UnknownFormat, Segment.decode, data, "1")
        self.assertEqual(error.code, Code.FAILED_PRECONDITION)
        self.assertIn(words, error.message)

    def test_foreign(self) -> None:
        """
        Files that are no segments are refused, and the words say what to do.
        """
        self.assertRefused(b"", "holds a file that is no log")
        self.assertRefused(bytes(4096), "holds a file that is no log")
        self.assertRefused(b"DIRC" + bytes(96), "holds a file that is no log")

    def test_newer(self) -> None:
        """
        So is a segment of a newer version.
        """
        data = bytearray(SEGMENT.encode())
        data[11] = 2
        self.assertRefused(bytes(data), "start the version of the server that wrote it")

    def test_newer_record(self) -> None:
        """
        And a record of a newer version in a segment of ours.
        """
        from gitaly_tx.wal import records

        self.patch(records, "FORMAT", 2)
        newer = encode_record(SEGMENT, Kind.ENTRY, b"t" * 16, 1, b"payload", 0)
        self.patch(records, "FORMAT", 1)
        self.assertRaises(UnknownFormat, list, scan(SEGMENT, SEGMENT.encode() + newer, SEGMENT_SIZE, SEGMENT_SIZE + len(newer)))

    def test_scan_covers_everything(self) -> None:
        """
        Records and damages lie side by side, with nothing between them.
        """
        data = flipped(THREE.data + b"junk", THREE.starts[1] * 8)
        at = SEGMENT_SIZE
        kinds = []
        for item in scan(SEGMENT, data, SEGMENT_SIZE, len(data)):
            self.assertEqual(item.offset, at)
            at = item.end
            kinds.append(type(item))
        self.assertEqual(at, len(data))
        self.assertEqual(kinds, [Record, Damage, Record, Damage])


def flipped(data: bytes, bit: int) -> bytes:
    """
    With one bit the other way round.
    """
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)
