"""
The log on disk.
"""

from __future__ import annotations

import errno
import os
import shutil
from posixpath import join

from twisted.internet.defer import Deferred

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.wal.groupcommit import NOTES_AFTER
from gitaly_tx.wal.interfaces import (
    Entry,
    Head,
    HeadChanged,
    ILog,
    LogFailed,
    LogFull,
    Manifest,
    Partition,
    StagedFile,
)
from tests.contracts import log
from tests.support.logcase import LogCase
from tests.support.threads import ParkedThreads
from tests.support.waldisk import ALPHA, BETA, EIO, ENOSPC, LogOnDisk


class LogTests(log.LogContract):
    """
    ``Log`` keeps the contract.
    """

    def make_log(self) -> ILog:
        root = os.path.abspath(self.mktemp())
        os.mkdir(root)
        return LogOnDisk(root).log


class GroupCommitTests(LogCase):
    """
    Writes that wait together share one fsync.
    """

    def setUp(self) -> None:
        super().setUp()
        self.writer = ParkedThreads()
        self.site = self.started(in_writer=self.writer)

    def test_hundred_writes(self) -> None:
        """
        Of a hundred writes that come at once, the first is synced alone and all others together.
        """
        partitions = [Partition("default", f"{number}.git") for number in range(100)]
        appended = [self.site.begin(partition) for partition in partitions]
        self.assertEqual(self.site.log.pending, 100)
        self.writer.one()
        self.successResultOf(appended[0])
        self.assertNoResult(appended[1])
        self.assertEqual(self.site.log.pending, 99)
        self.disk.counts.clear()
        self.writer.one()
        self.assertEqual(self.disk.counts, {"write": 1, "sync": 1})
        for done in appended[1:]:
            self.assertEqual(self.successResultOf(done).head.lsn, 1)
        self.assertEqual([entries for _, entries, _ in self.site.synced], [1, 99])
        self.assertEqual(self.site.log.pending, 0)

    def test_nothing_fires_before_the_fsync(self) -> None:
        """
        An append that was written has not happened yet.
        """
        done = self.site.begin()
        self.assertNoResult(done)
        self.assertEqual(self.site.head(), Head())
        self.writer.all()
        self.assertEqual(self.site.head(), self.successResultOf(done).head)

    def test_one_at_a_time_for_each_partition(self) -> None:
        """
        A second entry for a partition waits for nothing: it is refused.
        """
        done = self.site.begin()
        self.assertFailsWith(HeadChanged, self.site.begin())
        self.writer.all()
        self.successResultOf(done)
        self.site.begin()
        self.writer.all()
        self.assertEqual(self.site.head().lsn, 2)

    def test_cancelled_wait(self) -> None:
        """
        Whoever stops waiting does not stop the write.
        """
        done = self.site.begin()
        done.addErrback(lambda failure: None)
        done.cancel()
        self.writer.all()
        self.assertEqual(self.site.head().lsn, 1)
        self.site.begin()
        self.writer.all()
        self.assertEqual(self.site.head().lsn, 2)

    def test_one_bad_wish(self) -> None:
        """
        A write that cannot be encoded fails alone.
        """
        bad = self.site.begin(ALPHA, Manifest(ALPHA, staged=(StagedFile("", "../x", 1, bytes(32), b"x"),)))
        good = self.site.begin(BETA)
        self.writer.all()
        self.assertEqual(self.assertFailsWith(GitalyError, bad).code, Code.INVALID_ARGUMENT)
        self.assertEqual(self.successResultOf(good).head.lsn, 1)
        self.assertEqual(self.site.head(ALPHA), Head())

    def test_notes_ride_along(self) -> None:
        """
        That an entry was applied is written with the next batch, or after a moment without an fsync.
        """
        first = self.site.begin()
        self.writer.all()
        self.site.log.applied(self.successResultOf(first))
        self.site.begin(BETA)
        self.disk.counts.clear()
        self.writer.all()
        self.assertEqual(self.disk.counts, {"write": 1, "sync": 1})
        self.site.clock.advance(NOTES_AFTER)
        self.assertEqual((self.writer.parked, self.site.clock.getDelayedCalls()), ([], []))
        self.site.log.applied(self.successResultOf(self._beta()))
        self.assertEqual(self.writer.parked, [])
        self.site.clock.advance(NOTES_AFTER)
        self.writer.all()
        self.assertEqual(self.disk.counts, {"write": 3, "sync": 2})

    def test_notes_wait_as_long_as_it_takes(self) -> None:
        """
        A note waits its time from when it was made, whatever the timer was set for; none is left behind at the end.
        """
        self.site.log.applied(self.successResultOf(self._beta()))
        self.site.clock.advance(NOTES_AFTER / 2)
        again = self.successResultOf(self._beta())
        self.site.log.applied(again)
        self.disk.counts.clear()
        self.site.clock.advance(NOTES_AFTER / 2)
        self.assertEqual(self.writer.parked, [])
        self.site.clock.advance(NOTES_AFTER / 2)
        self.writer.all()
        self.assertEqual(self.disk.counts, {"write": 1})
        self.site.log.applied(again)
        stopped = Deferred.fromCoroutine(self.site.log.stop())
        self.writer.all()
        self.successResultOf(stopped)
        self.assertEqual(self.site.clock.getDelayedCalls(), [])

    def _beta(self) -> Deferred[Entry]:
        done = self.site.begin(BETA)
        self.writer.all()
        return done

    def test_stop(self) -> None:
        """
        A log that stops writes what was appended, and takes no more.
        """
        done = self.site.begin()
        stopped = Deferred.fromCoroutine(self.site.log.stop())
        self.assertFailsWith(LogFailed, self.site.begin(BETA))
        self.writer.all()
        self.successResultOf(stopped)
        self.successResultOf(done)
        self.assertFailsWith(LogFailed, self.site.begin(BETA))


class StagedTests(LogCase):
    """
    Files that come along.
    """

    def stage(self, size: int, name: str = "x") -> StagedFile:
        os.makedirs(join(self.root, "+gitaly/staging/a"), exist_ok=True)
        source = f"+gitaly/staging/a/{name}"
        with open(join(self.root, source), "wb") as file:
            file.write(b"x" * size)
        return StagedFile(source, f"objects/{name}")

    def pending(self) -> list[str]:
        return os.listdir(join(self.root, "+gitaly/wal/pending"))

    def test_small_and_large(self) -> None:
        """
        Small files go into the log; large ones are kept beside it, whatever becomes of the staging directory.
        """
        site = self.started()
        manifest = Manifest(ALPHA, staged=(self.stage(1000, "small"), self.stage(1001, "large")))
        small, large = site.append(ALPHA, manifest).manifest.staged
        self.assertEqual((small.content, small.source, small.size), (b"x" * 1000, "", 1000))
        self.assertEqual((large.content, large.size), (None, 1001))
        shutil.rmtree(join(self.root, "+gitaly/staging/a"))
        self.assertEqual(os.path.getsize(join(self.root, large.source)), 1001)

    def test_failure_lets_go(self) -> None:
        """
        What is not in the log is not kept, unless it may be in it after all.
        """
        site = self.started()
        self.disk.fail("write", ENOSPC)
        self.assertFailsWith(LogFull, site.begin(ALPHA, Manifest(ALPHA, staged=(self.stage(2000),))))
        self.assertEqual(self.pending(), [])
        site.append()
        self.disk.fail("sync", EIO, EIO)
        self.assertFailsWith(LogFailed, site.begin(ALPHA, Manifest(ALPHA, staged=(self.stage(2000),))))
        self.assertEqual(len(self.pending()), 1)

    def test_no_hard_links(self) -> None:
        """
        Where a file cannot have two names the log takes it for itself.
        """

        def refuse(source: str, target: str) -> None:
            raise OSError(errno.EPERM, "no")

        self.patch(os, "link", refuse)
        staged = self.stage(2000)
        (kept,) = self.started().append(ALPHA, Manifest(ALPHA, staged=(staged,))).manifest.staged
        self.assertEqual(os.path.getsize(join(self.root, kept.source)), 2000)
        self.assertFalse(os.path.exists(join(self.root, staged.source)))

    def test_no_plain_file(self) -> None:
        """
        A directory or a symbolic link is no staged file.
        """
        site = self.started()
        plain = self.stage(10)
        os.symlink(join(self.root, plain.source), join(self.root, "+gitaly/staging/link"))
        for source in ("+gitaly/staging", "+gitaly/staging/link", "../outside"):
            manifest = Manifest(ALPHA, staged=(StagedFile(source, "objects/y"),))
            self.assertFailsWith(GitalyError, site.begin(ALPHA, manifest))
        self.assertEqual((self.pending(), site.head()), ([], Head()))

    def test_missing(self) -> None:
        """
        A staged file that is not there fails the append.
        """
        site = self.started()
        missing = Manifest(ALPHA, staged=(self.stage(2000), StagedFile("+gitaly/staging/none", "objects/y")))
        self.assertEqual(self.assertFailsWith(GitalyError, site.begin(ALPHA, missing)).code, Code.INTERNAL)
        self.assertEqual(self.pending(), [])
        self.assertEqual(site.append().head.lsn, 1)
