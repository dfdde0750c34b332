"""
A storage's log with everything around it.
"""

from __future__ import annotations

import os
from posixpath import join

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import GitalyError
from gitaly_tx.observability import failpoints
from gitaly_tx.wal.lock import StorageInUse
from gitaly_tx.wal.records import UnknownFormat
from gitaly_tx.wal.store import CHECKPOINT_EVERY, make_store
from tests.support.threads import inline_threads
from tests.support.wal import ALPHA, BETA, Site, creation, litter, make_site


class StoreTests(SynchronousTestCase):
    """
    ``Store``.
    """

    def setUp(self) -> None:
        self.root = os.path.realpath(self.mktemp())
        os.mkdir(self.root)

    def site(self) -> Site:
        return make_site(self.root)

    def segments(self, site: Site) -> list[int]:
        return site.store.layout.segments()

    def test_building_touches_nothing(self) -> None:
        """
        A store is made without a look at the disk.
        """
        site = self.site()
        self.assertEqual(os.listdir(self.root), [])
        make_store(
            "x", "/nonexistent", refs=site.refs, git=None, clock=site.clock, in_writer=inline_threads, in_thread=inline_threads
        )

    def test_in_use(self) -> None:
        """
        A storage has one server; the next can start when that has stopped.
        """
        site = self.site().start()
        second = self.site()
        self.assertRaises(StorageInUse, second.start)
        site.stop()
        second.start().stop()

    def test_failed_start_lets_go(self) -> None:
        """
        A start that is refused leaves the storage to the next one.
        """
        site = self.site().start()
        site.commit(creation())
        site.stop()
        path = site.store.layout.segment(99)
        with open(path, "w"):
            pass
        os.rename(path, site.store.layout.segment(max(self.segments(site)[:-1]) + 1))
        for _ in range(2):
            self.assertRaises(UnknownFormat, self.site().start)

    def test_checkpoints(self) -> None:
        """
        A checkpoint is made from time to time.
        """
        site = self.site().start()
        site.commit(creation())
        before = self.segments(site)
        site.clock.advance(CHECKPOINT_EVERY)
        self.assertNotEqual(self.segments(site), before)
        self.assertEqual(site.store.log._tail.count, 0)
        site.stop()
        self.assertEqual(site.clock.getDelayedCalls(), [])

    def test_failed_checkpoint(self) -> None:
        """
        One that fails is logged, and the next one makes up for it.
        """
        site = self.site().start()
        site.commit(creation())
        with failpoints.active(failpoints.parse("checkpoint.after_roll=error(EIO)")):
            site.clock.advance(CHECKPOINT_EVERY)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.assertEqual(site.store.log._tail.count, 1)
        site.clock.advance(CHECKPOINT_EVERY)
        self.assertEqual(site.store.log._tail.count, 0)
        site.stop()

    def test_checkpoint_when_full(self) -> None:
        """
        When the log is long enough a checkpoint begins by itself.
        """
        site = make_site(self.root, segment_size=1).start()
        site.commit(creation())
        site.commit(creation(BETA))
        self.assertEqual(self.segments(site)[0] > 1, True)
        site.stop()

    def test_stop_waits_for_a_checkpoint(self) -> None:
        """
        A checkpoint that is under way is waited for.
        """
        site = self.site().start()
        under_way: Deferred[None] = Deferred()
        site.store._checkpoint = under_way
        site.store.checkpoint_soon()
        stopped = Deferred.fromCoroutine(site.store.stop())
        self.assertNoResult(stopped)
        under_way.callback(None)
        self.successResultOf(stopped)

    def test_left_overs(self) -> None:
        """
        Staging directories, thrown away repositories and pending files of an earlier run are gone after a start.
        """
        site = self.site().start()
        site.stop()
        for path in ("staging/a/objects/pack", "trash/removed-1/objects", "wal/pending/repository-1/refs"):
            os.makedirs(join(self.root, "+gitaly", path))
        for path in ("staging/a/objects/pack/tmp_pack_1", "trash/file", "wal/pending/file-1"):
            with open(join(self.root, "+gitaly", path), "w"):
                pass
        os.chmod(join(self.root, "+gitaly/trash/removed-1/objects"), 0)
        site = self.site().start()
        self.assertEqual(litter(self.root), [])
        site.stop()

    def test_unwritable_state(self) -> None:
        """
        A start that cannot remember anything fails.
        """
        site = self.site()
        os.makedirs(join(self.root, "+gitaly"))
        site.start()
        site.stop()
        os.unlink(site.store.layout.state)
        os.mkdir(site.store.layout.state)
        self.assertRaises(GitalyError, self.site().start)

    def test_failing(self) -> None:
        """
        A store without trouble has nobody who fails.
        """
        site = self.site().start()
        site.commit(creation(ALPHA))
        self.assertEqual(site.store.failing, frozenset())
        site.stop()
