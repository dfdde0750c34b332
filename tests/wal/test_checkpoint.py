"""
Segments that nobody needs any more.
"""

from __future__ import annotations

import errno
import os
import shutil

from twisted.internet.defer import Deferred

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.wal.keyvalue import SQLiteKeyValue
from tests.support.logcase import LogCase
from tests.support.wal import NEXT_BOOT, creation
from tests.support.waldisk import ALPHA, BETA, EIO, ENOSPC


class CheckpointTests(LogCase):
    """
    Segments that nobody needs any more.
    """

    def test_drop(self) -> None:
        """
        What was applied is made durable in the repositories, and then its segment is deleted.
        """
        site = self.started()
        entries = [site.append(), site.append(BETA), site.append()]
        for entry in entries:
            site.log.applied(entry)
        site.checkpoint()
        self.assertEqual(sorted(head.lsn for head in site.applier.persisted), [1, 1, 2])
        self.assertEqual(site.segments(), [2])
        site, told = self.again(site, NEXT_BOOT)
        self.assertEqual((told, site.head(), site.head(BETA)), ([], entries[2].head, entries[1].head))

    def test_idle(self) -> None:
        """
        A checkpoint of an idle log touches nothing.
        """
        site = self.started()
        site.checkpoint()
        self.assertEqual(self.disk.counts, {})
        site.log.applied(site.append())
        site.checkpoint()
        self.disk.counts.clear()
        before = os.stat(site.layout.state).st_mtime_ns
        site.checkpoint()
        self.assertEqual(self.disk.counts, {})
        self.assertEqual(os.stat(site.layout.state).st_mtime_ns, before)

    def test_unapplied(self) -> None:
        """
        A segment stays while an entry in it waits to be applied, and those after it.
        """
        site = self.started()
        waiting = site.append()
        site.checkpoint()
        site.log.applied(site.append(BETA))
        site.checkpoint()
        self.assertEqual(site.segments(), [1, 2, 3])
        site.log.applied(waiting)
        site.checkpoint()
        self.assertEqual(site.segments(), [3])

    def test_appends_go_on(self) -> None:
        """
        While a checkpoint waits for the repositories' disk, appends go into the next segment and are kept.
        """
        site = self.started()
        site.log.applied(site.append())
        site.applier.held = []
        checkpoint = Deferred.fromCoroutine(site.log.checkpoint())
        self.assertNoResult(checkpoint)
        late = site.append()
        site.log.applied(late)
        site.applier.held[0].callback(None)
        self.successResultOf(checkpoint)
        self.assertEqual(site.segments(), [2])
        _, told = self.again(site, NEXT_BOOT)
        self.assertEqual(told, [late.head])

    def test_applied_while_it_runs(self) -> None:
        """
        What is applied after the checkpoint looked is not taken for durable.
        """
        site = self.started()
        first = site.append()
        site.log.applied(first)
        second = site.append()
        site.applier.held = []
        checkpoint = Deferred.fromCoroutine(site.log.checkpoint())
        site.log.applied(second)
        site.applier.held[0].callback(None)
        self.successResultOf(checkpoint)
        self.assertEqual(site.segments(), [1, 2])
        _, told = self.again(site, NEXT_BOOT)
        self.assertEqual(told, [second.head])

    def test_one_at_a_time(self) -> None:
        """
        Two checkpoints do not run into each other.
        """
        site = self.started()
        site.log.applied(site.append())
        site.applier.held = []
        checkpoints = [Deferred.fromCoroutine(site.log.checkpoint()) for _ in range(2)]
        self.assertEqual(len(site.applier.held), 1)
        site.applier.held[0].callback(None)
        for checkpoint in checkpoints:
            self.successResultOf(checkpoint)

    def test_settle(self) -> None:
        """
        One partition can be made durable by itself; a checkpoint that began before does not take that back.
        """
        site = self.started()
        first = site.append()
        site.log.applied(first)
        site.applier.held = []
        checkpoint = Deferred.fromCoroutine(site.log.checkpoint())
        second = site.append()
        site.log.applied(second)
        settled = Deferred.fromCoroutine(site.log.settle(second))
        site.applier.held[1].callback(None)
        self.successResultOf(settled)
        site.applier.held[0].callback(None)
        self.successResultOf(checkpoint)
        site, told = self.again(site, NEXT_BOOT)
        self.assertEqual((told, site.head()), ([], second.head))

    def test_failed_fsync_of_a_repository(self) -> None:
        """
        A repository that cannot be made durable keeps its entries in the log; it is not tried again, because a second fsync
        proves nothing. Others go on.
        """
        site = self.started()
        for partition in (ALPHA, BETA):
            site.log.applied(site.append(partition))
        site.applier.errors[ALPHA] = EIO
        site.checkpoint()
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.assertEqual(site.log.undurable, {ALPHA})
        del site.applier.errors[ALPHA]
        site.checkpoint()
        self.assertEqual((site.segments(), len(site.applier.persisted)), ([1, 2], 1))
        _, told = self.again(site, NEXT_BOOT)
        self.assertEqual([head.lsn for head in told], [1])

    def test_too_many_open_files(self) -> None:
        """
        What failed before there was any fsync is tried again.
        """
        site = self.started()
        site.log.applied(site.append())
        site.applier.errors[ALPHA] = errno.EMFILE
        site.checkpoint()
        self.assertEqual(site.log.undurable, frozenset())
        del site.applier.errors[ALPHA]
        site.checkpoint()
        self.assertEqual(site.segments(), [2])

    def test_no_space_for_the_next_segment(self) -> None:
        """
        A checkpoint does not need space to give some back.
        """
        site = self.started()
        for _ in range(2):
            site.log.applied(site.append())
            site.checkpoint()
        site.log.applied(site.append())
        self.disk.fail("create", ENOSPC)
        site.checkpoint()
        self.assertEqual((site.segments(), site.head().lsn), ([3], 3))
        self.assertEqual(site.append().head.lsn, 4)
        site, told = self.again(site)
        self.assertEqual([head.lsn for head in told], [4])

    def test_creation_settles_what_was_there_before(self) -> None:
        """
        Before a repository begins to exist, what an earlier one at its path did is made durable, or it must not begin.
        """
        site = self.started()
        first = site.append(ALPHA, creation(ALPHA))
        error = self.assertFailsWith(GitalyError, site.begin(ALPHA, creation(ALPHA)))
        self.assertEqual(error.code, Code.UNAVAILABLE)
        site.log.applied(first)
        second = site.append(ALPHA, creation(ALPHA))
        self.assertEqual(site.applier.persisted, [first.head])
        _, told = self.again(site, NEXT_BOOT)
        self.assertEqual(told, [second.head])

    def test_enough(self) -> None:
        """
        The owner hears when there is enough for a checkpoint: by size, or by entries.
        """
        for settings in ({"segment_size": 1}, {"segment_entries": 1}):
            site = self.started(settings=settings)
            site.append(BETA)
            self.assertEqual(site.full, 1)
            site.die()
            shutil.rmtree(self.root)
            os.mkdir(self.root)

    def test_stop_without_a_checkpoint(self) -> None:
        """
        If the checkpoint at the end fails, the next start replays.
        """
        site = self.started()
        entry = site.append()
        site.log.applied(entry)
        self.disk.fail("sync", None)
        self.patch(SQLiteKeyValue, "_replace", _broken)
        site.run(site.log.stop)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        _, told = self.again(site, NEXT_BOOT)
        self.assertEqual(told, [entry.head])


def _broken(*arguments: object) -> None:
    raise ZeroDivisionError
