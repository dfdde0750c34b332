"""
What a start makes of what it finds.
"""

from __future__ import annotations

import base64
import os
import shutil
from posixpath import join

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.wal.entry import tag_of
from gitaly_tx.wal.interfaces import (
    Entry,
    Head,
    Manifest,
    Partition,
    PartitionDamaged,
    StagedFile,
)
from gitaly_tx.wal.layout import read_whole
from gitaly_tx.wal.reading import SegmentsMissing
from gitaly_tx.wal.records import SEGMENT_SIZE, UnknownFormat
from gitaly_tx.wal.resolve import EVERYBODY
from tests.support.logcase import LogCase
from tests.support.wal import MAIN, NEXT_BOOT, creation, outcome_of
from tests.support.waldisk import ALPHA, BETA, EIO, FaultyDisk, LogOnDisk
from tests.wal.fixture import SEGMENT_1, STORAGE_1


class RestartTests(LogCase):
    """
    What a start makes of what it finds.
    """

    def test_unapplied(self) -> None:
        """
        Everything that was not applied is told, in order, with its contents.
        """
        site = self.started()
        content = Manifest(ALPHA, staged=(StagedFile("", "objects/x", 7, b"s" * 32, b"content"),))
        heads = [site.append(ALPHA, content).head, site.append(BETA).head, site.append().head]
        site.die()
        made = LogOnDisk(self.root)
        entries = made.start()
        self.assertEqual([entry.head for entry in entries], heads)
        self.assertEqual(entries[0].manifest, content)

    def test_applied_under_another_kernel(self) -> None:
        """
        What was applied is told again if the machine was started anew: it may not have reached the disk.
        """
        site = self.started()
        entry = site.append()
        site.log.applied(entry)
        site.clock.advance(1)
        site, told = self.again(site)
        self.assertEqual(told, [])
        _, told = self.again(site, NEXT_BOOT)
        self.assertEqual(told, [entry.head])

    def test_retracted(self) -> None:
        """
        A retracted entry stays retracted.
        """
        site = self.started()
        first, second = site.append(), site.append()
        site.run(lambda: site.log.retract(second))
        site, told = self.again(site)
        self.assertEqual((told, site.head()), ([first.head], first.head))

    def test_torn_tail(self) -> None:
        """
        A torn tail is cut with one warning (S1); the next start has nothing to say.
        """
        site = self.started()
        first, _ = site.append(), site.append(BETA)
        path = site.layout.segment(1)
        os.truncate(path, os.path.getsize(path) - 1)
        site, told = self.again(site)
        self.assertEqual(told, [first.head])
        self.assertEqual(len(self.warnings), 1)
        self.assertEqual(site.append(BETA).head.lsn, 1)
        _, told = self.again(site)
        self.assertEqual([head.lsn for head in told], [1, 1])
        self.assertEqual(len(self.warnings), 1)

    def test_unsynced_tail_is_made_durable(self) -> None:
        """
        What was written and not synced before the crash is read, and synced before anybody applies it (W2).
        """
        site = self.started()
        self.disk.fail("sync", None)
        site.append()
        site.die()
        made = LogOnDisk(self.root)
        self.assertEqual(len(made.start()), 1)
        assert isinstance(made.disk, FaultyDisk)
        self.assertEqual(made.disk.counts, {"sync": 1})
        failing = FaultyDisk()
        failing.fail("sync", EIO)
        made.die()
        refusing = LogOnDisk(self.root, disk=failing)
        self.assertRaises(OSError, refusing.start)

    def refused(self, kind: type[GitalyError], words: str) -> None:
        """
        A start is refused in clear words, and changes no file.
        """
        made = LogOnDisk(self.root)
        before = {name: os.path.getsize(join(made.layout.log, name)) for name in os.listdir(made.layout.log)}
        error = self.assertRaises(kind, made.start)
        self.assertEqual(error.code, Code.FAILED_PRECONDITION)
        self.assertIn(words, error.message)
        self.assertNotIn(self.root, error.message)
        self.assertEqual(before, {name: os.path.getsize(join(made.layout.log, name)) for name in os.listdir(made.layout.log)})
        made.die()

    def filled(self, segments: int) -> LogOnDisk:
        """
        A log with segments that are all needed, because their entries were not applied.
        """
        site = self.started()
        for _ in range(segments):
            site.append()
            site.checkpoint()
        site.die()
        return site

    def test_missing_segment(self) -> None:
        """
        A log with a segment missing is refused, in the middle or in front.
        """
        site = self.filled(3)
        for number in (2, 1):
            os.rename(site.layout.segment(number), join(self.root, "kept"))
            self.refused(SegmentsMissing, "restore the missing segment")
            os.rename(join(self.root, "kept"), site.layout.segment(number))
        self.assertEqual(len(self.started().segments()), 4)

    def test_everything_missing(self) -> None:
        """
        A log that is gone altogether is refused.
        """
        site = self.started()
        for _ in range(2):
            site.log.applied(site.append())
            site.checkpoint()
        site.die()
        for number in site.segments():
            os.unlink(site.layout.segment(number))
        self.refused(SegmentsMissing, "incomplete")

    def test_lost_state(self) -> None:
        """
        So is one whose state was lost.
        """
        site = self.started()
        site.log.applied(site.append())
        site.checkpoint()
        site.die()
        os.unlink(site.layout.state)
        self.refused(SegmentsMissing, "incomplete")

    def test_foreign_files(self) -> None:
        """
        Files of another kind under a segment's name are refused (S5): empty, zeroes, junk, a newer version.
        """
        site = self.filled(1)
        newer = bytearray(read_whole(site.layout.segment(1)))
        newer[11] = 9
        for content, words in (
            (b"", "no log"),
            (bytes(500), "no log"),
            (b"DIRC" * 50, "no log"),
            (bytes(newer), "unknown format"),
        ):
            with open(site.layout.segment(3), "wb") as file:
                file.write(content)
            self.refused(UnknownFormat, words)

    def test_segment_of_another_storage(self) -> None:
        """
        A segment of another log is refused, and one under another number.
        """
        site = self.filled(2)
        other = os.path.abspath(self.mktemp())
        os.mkdir(other)
        stranger = LogOnDisk(other)
        stranger.start()
        stranger.append()
        shutil.copy(stranger.layout.segment(1), site.layout.segment(4))
        self.refused(GitalyError, "segment of another storage")
        shutil.copy(site.layout.segment(2), site.layout.segment(4))
        self.refused(GitalyError, "segment of another storage")

    def test_shortened_segment(self) -> None:
        """
        A complete segment that lost its end is refused.
        """
        site = self.filled(2)
        os.truncate(site.layout.segment(1), os.path.getsize(site.layout.segment(1)) - 1)
        self.refused(GitalyError, "shorter than it was")

    def test_half_made_segment(self) -> None:
        """
        What a crash left of a segment that was being made is removed.
        """
        site = self.filled(1)
        with open(site.layout.segment(3) + ".new", "wb"):
            pass
        self.started()
        self.assertEqual(site.segments(), [1, 2])
        self.assertFalse(os.path.exists(site.layout.segment(3) + ".new"))

    def test_left_over_segment(self) -> None:
        """
        A segment that a crash kept from being deleted is deleted.
        """
        site = self.started()
        site.log.applied(site.append())
        kept = shutil.copy(site.layout.segment(1), self.mktemp())
        site.checkpoint()
        self.assertEqual(site.segments(), [2])
        shutil.copy(kept, site.layout.segment(1))
        site, told = self.again(site, NEXT_BOOT)
        self.assertEqual((told, site.segments(), site.head().lsn), ([], [2], 1))

    def test_log_of_the_first_version(self) -> None:
        """
        A log that the first version of the format wrote is read (L9).
        """
        made = LogOnDisk(self.root)
        made.run(lambda: made.map.put([(b"storage", STORAGE_1), (b"first-segment", b"1")]))
        with open(made.layout.segment(1), "wb") as file:
            file.write(base64.b85decode(SEGMENT_1))
        entries = made.start()
        self.assertEqual([entry.head.lsn for entry in entries], [1, 2])
        self.assertEqual(entries[0].manifest, creation(ALPHA))
        self.assertEqual([update.name for update in entries[1].manifest.refs], [MAIN, b"refs/heads/gone"])
        self.assertEqual(entries[1].manifest.staged[0].content, b"pack")
        self.assertEqual(made.head(BETA), Head())


class DamageTests(LogCase):
    """
    Corruption that is no torn tail (S3).
    """

    def damaged(self) -> tuple[LogOnDisk, Entry, Entry]:
        """
        A log in which the second entry of one partition cannot be read.
        """
        site = self.started()
        good = site.append()
        size = os.path.getsize(site.layout.segment(1))
        site.append()
        theirs = site.append(BETA)
        site.die()
        site.damage(1, size + 60)
        return LogOnDisk(self.root), good, theirs

    def test_one_partition(self) -> None:
        """
        Its partition takes no writes and answers DATA_LOSS; what stands before the damage counts, and so does what others wrote.
        """
        site, good, theirs = self.damaged()
        self.assertEqual([entry.head for entry in site.start()], [good.head, theirs.head])
        for attempt in (lambda: site.head(), lambda: outcome_of(site.log.append(Manifest(ALPHA, head=MAIN), good.head))):
            error = self.assertRaises(PartitionDamaged, attempt)
            self.assertEqual((error.code, error.message), (Code.DATA_LOSS, "corrupt log entry"))
        self.assertEqual(site.append(BETA).head.lsn, 2)
        self.assertEqual(set(site.log.refused), {tag_of(ALPHA.path)})

    def test_is_kept(self) -> None:
        """
        The damaged segment is moved aside and never deleted, and the refusal outlives it.
        """
        site, _, _ = self.damaged()
        content = read_whole(site.layout.segment(1))
        for entry in site.start():
            site.log.applied(entry)
        site.checkpoint()
        self.assertNotIn(1, site.segments())
        self.assertEqual(read_whole(join(site.layout.damaged, os.path.basename(site.layout.segment(1)))), content)
        site, _ = self.again(site)
        self.assertRaises(PartitionDamaged, site.head)
        self.assertEqual(site.append(BETA).head.lsn, 2)

    def test_is_kept_by_a_start(self) -> None:
        """
        Also if a crash came between the checkpoint and moving it.
        """
        site, _, _ = self.damaged()
        for entry in site.start():
            site.log.applied(entry)
        kept = shutil.copy(site.layout.segment(1), self.mktemp())
        site.checkpoint()
        shutil.rmtree(site.layout.damaged)
        shutil.copy(kept, site.layout.segment(1))
        site, _ = self.again(site)
        self.assertEqual(os.listdir(site.layout.damaged), [os.path.basename(site.layout.segment(1))])

    def test_accept(self) -> None:
        """
        When an operator accepts the repository as it is, it takes writes again, from the last good entry on and in a new epoch.
        """
        site, good, _ = self.damaged()
        for entry in site.start():
            site.log.applied(entry)
        site.run(lambda: site.log.accept(ALPHA))
        self.assertEqual((site.head().epoch, site.head().lsn), (1, good.head.lsn))
        self.assertEqual(site.append().head.lsn, 2)
        site, told = self.again(site)
        self.assertEqual([(head.epoch, head.lsn) for head in told], [(1, 2)])
        self.assertEqual(site.log.refused, {})

    def test_accept_too_early(self) -> None:
        """
        While the damage cannot be moved aside, because an entry in front of it still waits, nothing is accepted.
        """
        site, _, _ = self.damaged()
        site.start()
        error = self.assertRaises(GitalyError, site.run, lambda: site.log.accept(ALPHA))
        self.assertEqual(error.code, Code.FAILED_PRECONDITION)
        self.assertRaises(PartitionDamaged, site.head)

    def test_everybody(self) -> None:
        """
        Damage that belongs to nobody in particular refuses all writes, until an operator accepts it.
        """
        site, _, _ = self.damaged()
        with open(site.layout.segment(1), "r+b") as file:
            file.seek(SEGMENT_SIZE)
            file.write(bytes(os.path.getsize(site.layout.segment(1)) // 2))
        for entry in site.start():
            site.log.applied(entry)
        self.assertIn(EVERYBODY, site.log.refused)
        self.assertRaises(PartitionDamaged, site.head, Partition("default", "another.git"))
        site.run(lambda: site.log.accept(None))
        self.assertEqual(site.head(Partition("default", "another.git")), Head())
        self.assertEqual(site.append(BETA).head.lsn, 2)

    def test_refuse(self) -> None:
        """
        Recovery can refuse a partition too; what was not applied is given up and its segment kept.
        """
        site = self.started()
        site.append()
        site.run(lambda: site.log.refuse(ALPHA, "a file is gone"))
        self.assertRaises(PartitionDamaged, site.head)
        site.checkpoint()
        self.assertEqual(os.listdir(site.layout.damaged), [os.path.basename(site.layout.segment(1))])
