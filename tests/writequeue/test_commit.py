"""
From a transaction to a committed write, and everything that can go wrong on the way.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Sequence
from posixpath import join
from typing import Any

from attrs import define, evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from gitaly_tx.cluster.interfaces import HeadMoved, ICoordinator
from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.interfaces import First, IIntent, IPreparedRefs, IRefs, RefUpdate, Refusal, nothing
from gitaly_tx.git.refinterfaces import HeadLocked
from gitaly_tx.observability import failpoints
from gitaly_tx.wal.apply import Applier
from gitaly_tx.wal.interfaces import Entry, FileChange, Head, LogFailed, LogFull, Manifest, Partition, RepositoryVanished
from gitaly_tx.wal.recover import chains
from gitaly_tx.writequeue.insistence import LONGEST_PAUSE, StillCommitting
from tests.support.wal import (
    ALPHA,
    BETA,
    MAIN,
    NEXT_BOOT,
    ZERO,
    Site,
    creation,
    litter,
    make_history,
    make_site,
    moving,
    outcome_of,
)
from tests.support.waldisk import EIO, ENOSPC, FaultyDisk

TOPIC, OTHER = b"refs/heads/topic", b"refs/heads/other"


class CommitCase(SynchronousTestCase):
    """
    A repository whose ``main`` is at the first of three commits.
    """

    settings: dict[str, Any] = {}

    def setUp(self) -> None:
        self.history = make_history(self.mktemp())
        self.first, self.second, self.third = self.history.commits
        self.root = os.path.realpath(self.mktemp())
        os.mkdir(self.root)
        self.disk = FaultyDisk()
        self.site = self.make(**self.settings)

    def make(self, **settings: Any) -> Site:
        site = make_site(self.root, disk=self.disk, **settings).start()
        site.commit(creation())
        self.history.put_into(join(self.root, ALPHA.path))
        site.commit(moving((MAIN, ZERO, self.first)))
        return site

    def head(self, site: Site | None = None, partition: Partition = ALPHA) -> Head:
        head: Head = outcome_of(Deferred.fromCoroutine((site or self.site).store.log.head(partition)))
        return head

    def refs(self) -> dict[bytes, bytes]:
        state: Any = self.site.state()
        return dict(state[1])

    def assertUntouched(self, before: Head) -> None:
        """
        Nothing was written, and nothing is left over.
        """
        self.assertEqual(self.head(), before)
        self.assertEqual(self.refs(), {MAIN: self.first})
        self.assertEqual([path for path in litter(self.root) if "staging" not in path], [])

    def push(self) -> Manifest:
        """
        A new commit with its pack.
        """
        return moving((MAIN, self.first, self.third), staged=self.history.stage(self.root, self.third))


class OutcomeTests(CommitCase):
    """
    What becomes of a transaction that the disk takes.
    """

    def test_update(self) -> None:
        """
        The outcome names the partition's new head; the ref is there.
        """
        outcome = self.site.commit(moving((MAIN, self.first, self.second)))
        self.assertEqual((outcome.refused, outcome.head), ({}, self.head()))
        self.assertEqual(self.refs(), {MAIN: self.second})
        self.assertEqual(litter(self.root), [])

    def test_atomic(self) -> None:
        """
        If one update is refused, none is made, and nothing is logged.
        """
        before = self.head()
        outcome = self.site.commit(moving((TOPIC, ZERO, self.first), (MAIN, self.second, self.third)))
        self.assertIsNone(outcome.head)
        self.assertEqual({name: refused.why for name, refused in outcome.refused.items()}, {MAIN: Refusal.STALE})
        self.assertUntouched(before)

    def test_not_atomic(self) -> None:
        """
        Otherwise those that are refused are left out, of the log too.
        """
        outcome = self.site.commit(moving((TOPIC, ZERO, self.first), (MAIN, self.second, self.third)), atomic=False)
        self.assertEqual(list(outcome.refused), [MAIN])
        self.assertEqual(outcome.head, self.head())
        self.assertEqual(self.refs(), {MAIN: self.first, TOPIC: self.first})
        logged = self.site.store.log._tail.ready(ALPHA)[-1].manifest
        self.assertEqual([update.name for update in logged.refs], [TOPIC])

    def test_nothing_remains(self) -> None:
        """
        If all are refused nothing is written: neither objects nor HEAD.
        """
        before = self.head()
        manifest = moving((MAIN, self.second, self.third), staged=self.history.stage(self.root, self.third), head=TOPIC)
        outcome = self.site.commit(manifest, atomic=False)
        self.assertEqual((list(outcome.refused), outcome.head), ([MAIN], None))
        self.assertUntouched(before)

    def test_head_follows_only_what_was_made(self) -> None:
        """
        HEAD does not follow a branch that was refused.
        """
        outcome = self.site.commit(moving((TOPIC, self.second, self.third), (OTHER, ZERO, self.first), head=TOPIC), atomic=False)
        self.assertEqual(list(outcome.refused), [TOPIC])
        self.assertEqual(self.site.state(), (MAIN, ((MAIN, self.first), (OTHER, self.first))))

    def test_head_locked(self) -> None:
        """
        If somebody else has HEAD locked, nothing is written, and the lock stays.
        """
        before = self.head()
        lock = join(self.root, ALPHA.path, "HEAD.lock")
        with open(lock, "xb"):
            pass
        waiting = self.site.begin(moving((TOPIC, ZERO, self.first), head=TOPIC))
        self.assertNoResult(waiting)
        self.site.clock.advance(1)
        self.failureResultOf(waiting, HeadLocked)
        os.unlink(lock)
        self.assertUntouched(before)

    def test_logs_what_the_ref_was(self) -> None:
        """
        Where the writer did not care what a ref was, the log says what it was.
        """
        self.site.commit(moving((MAIN, None, self.second), (TOPIC, None, self.first)))
        logged = self.site.store.log._tail.ready(ALPHA)[-1]
        self.assertEqual(
            {chain.name: chain.values for chain in chains([logged])},
            {MAIN: (self.first, self.second), TOPIC: (ZERO, self.first)},
        )

    def test_create(self) -> None:
        """
        A repository is made with its refs in one go, and only once.
        """
        manifest = evolve(
            creation(BETA), refs=(RefUpdate(MAIN, None, self.first),), staged=self.history.stage(self.root, self.first)
        )
        self.site.commit(manifest)
        self.assertEqual(self.site.state(BETA), (MAIN, ((MAIN, self.first),)))
        error = self.assertRaises(GitalyError, self.site.commit, creation(BETA))
        self.assertEqual((error.code, error.message), (Code.ALREADY_EXISTS, "repository exists already"))

    def test_missing(self) -> None:
        """
        What is not there cannot be written to or removed.
        """
        for manifest in (moving((MAIN, ZERO, self.first), partition=BETA), Manifest(BETA, remove=True)):
            error = self.assertRaises(GitalyError, self.site.commit, manifest)
            self.assertEqual((error.code, error.message), (Code.NOT_FOUND, "repository does not exist"))
        self.assertEqual(self.head(partition=BETA), Head())

    def test_detour(self) -> None:
        """
        A small file is not written through a symbolic link, nor over a directory.
        """
        before = self.head()
        elsewhere = os.path.abspath(self.mktemp())
        os.mkdir(elsewhere)
        os.symlink(elsewhere, join(self.root, ALPHA.path, "custom_hooks"))
        for path in ("custom_hooks/update", "objects", "HEAD/x"):
            error = self.assertRaises(GitalyError, self.site.commit, Manifest(ALPHA, files=(FileChange(path, b"x"),)))
            self.assertEqual(error.code, Code.FAILED_PRECONDITION)
        self.assertEqual(os.listdir(elsewhere), [])
        self.assertUntouched(before)

    def test_remove(self) -> None:
        """
        A removed repository is gone, its removal is durable at once, and another one can be made in its place.
        """
        self.site.commit(Manifest(ALPHA, remove=True))
        self.assertIsNone(self.site.state())
        self.assertNotIn(ALPHA, self.site.store.log._tail)
        self.site.commit(creation())
        self.assertEqual(self.site.state(), (MAIN, ()))
        self.assertEqual(litter(self.root), [])

    def test_removed_for_good(self) -> None:
        """
        What somebody else puts at a removed repository's path is never removed by a replay.
        """
        self.site.commit(Manifest(ALPHA, remove=True))
        shutil.copytree(self.history.path, join(self.root, ALPHA.path))
        copy = shutil.copytree(self.root, self.mktemp(), symlinks=True)
        self.site.stop()
        again = make_site(copy, NEXT_BOOT).start()
        self.assertEqual(again.state(), (MAIN, ((MAIN, self.third),)))
        again.stop()

    def test_removal_that_cannot_be_settled(self) -> None:
        """
        If the removal cannot be made durable at once it has happened all the same, and the log keeps it.
        """
        self.patch(Applier, "persist", _undurable)
        outcome = self.site.commit(Manifest(ALPHA, remove=True))
        self.assertIsNotNone(outcome.head)
        self.assertIn(ALPHA, self.site.store.log._tail)
        self.assertEqual(self.site.committer.failing, {ALPHA})
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)


async def _undurable(applier: Applier, entries: Sequence[Entry]) -> None:
    raise OSError(EIO, "no")


class BeforeTheLogTests(CommitCase):
    """
    What fails before the entry is durable leaves nothing behind.
    """

    settings = {"inline": 100}

    def test_every_step(self) -> None:
        """
        Whatever step fails, refs, locks, log and files are as before, and the next write passes.
        """
        before = self.head()
        for point in ("commit.before_secure", "secure.after_link", "secure.after_fsync", "commit.before_prepare"):
            self._fails(point, before)
        self._fails("commit.after_prepare", before)
        self.site.commit(moving((MAIN, self.first, self.second)))

    def _fails(self, point: str, before: Head) -> None:
        manifest = self.push()
        with failpoints.active(failpoints.parse(f"{point}=error(EIO)")):
            self.assertRaises((OSError, GitalyError), self.site.commit, manifest)
        self.assertUntouched(before)
        shutil.rmtree(join(self.root, os.path.dirname(manifest.staged[0].source)))

    def test_no_space_in_the_log(self) -> None:
        """
        A full disk is named (S7), for the log and for the files beside it.
        """
        before = self.head()
        self.disk.fail("write", ENOSPC)
        error = self.assertRaises(LogFull, self.site.commit, self.push())
        self.assertEqual(error.message, "No space left on device")
        self.assertUntouched(before)
        manifest = self.push()
        with failpoints.active(failpoints.parse("secure.after_fsync=error(ENOSPC)")):
            self.assertRaises(LogFull, self.site.commit, manifest)
        self.assertUntouched(before)
        self.site.commit(manifest)
        self.assertEqual(self.refs(), {MAIN: self.third})

    def test_uncertain(self) -> None:
        """
        If it is not known whether the entry is in the log, its files are kept, and the refs are not moved.
        """
        self.disk.fail("sync", EIO, EIO)
        manifest = self.push()
        error = self.assertRaises(LogFailed, self.site.commit, manifest)
        self.assertTrue(error.uncertain)
        self.assertEqual(self.refs(), {MAIN: self.first})
        self.assertEqual(len(os.listdir(join(self.root, "+gitaly/wal/pending"))), len(manifest.staged))
        self.assertFalse([path for path in litter(self.root) if path.endswith(".lock") or "intents" in path])
        error = self.assertRaises(LogFailed, self.site.commit, moving((MAIN, self.first, self.second)))
        self.assertFalse(error.uncertain)


@implementer(ICoordinator)
@define(eq=False)
class Cluster:
    """
    A coordinator that says what a test wants.
    """

    answers: list[Exception | None]
    head: Head | None = None
    asked: int = 0

    async def read(self, partition: Partition) -> Head | None:
        return self.head

    async def commit(self, entry: Entry, expected: Head) -> None:
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer


class CoordinatorTests(CommitCase):
    """
    The coordinator has the last word.
    """

    def setUp(self) -> None:
        self.cluster = Cluster([])
        self.settings = {"coordinator": self.cluster, "inline": 100}
        super().setUp()

    def test_refused(self) -> None:
        """
        What the coordinator refuses is struck out of the log, and has never been.
        """
        before = self.head()
        self.cluster.answers = [HeadMoved(ALPHA, before, before)]
        error = self.assertRaises(HeadMoved, self.site.commit, self.push())
        self.assertEqual(error.code, Code.ABORTED)
        self.assertUntouched(before)
        self.site.die()
        self.site = make_site(self.root, coordinator=self.cluster).start()
        self.assertUntouched(before)
        self.site.commit(moving((MAIN, self.first, self.second)))

    def test_somebody_was_faster(self) -> None:
        """
        If the coordinator knows another head, nothing is even tried.
        """
        before = self.head()
        self.cluster.head = evolve(before, lsn=99)
        self.assertRaises(HeadMoved, self.site.commit, moving((MAIN, self.first, self.second)))
        self.assertUntouched(before)

    def test_nobody_can_say(self) -> None:
        """
        "Perhaps" is asked again until there is an answer; meanwhile the ref does not move.
        """
        self.cluster.answers = [GitalyError("no quorum", Code.UNAVAILABLE)] * 2
        committed = self.site.begin(moving((MAIN, self.first, self.second)))
        self.assertNoResult(committed)
        self.assertEqual(self.site.committer.failing, {ALPHA})
        self.assertEqual(self.refs(), {MAIN: self.first})
        self.site.clock.pump([0.2, 0.2, 0.2])
        self.assertEqual(self.successResultOf(committed).head, self.head())
        self.assertEqual(self.cluster.asked, 5)
        self.assertEqual(self.refs(), {MAIN: self.second})
        self.assertEqual(len(self.flushLoggedErrors(GitalyError)), 2)


@implementer(IRefs)
class StubbornRefs:
    """
    Real refs whose commits fail as often as a test wants.
    """

    def __init__(self, refs: IRefs) -> None:
        self._refs = refs
        self.failures = 0
        self.forced = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._refs, name)

    async def prepare(
        self,
        directory: GitDirectory,
        updates: Sequence[RefUpdate],
        intent: IIntent | None = None,
        head: bytes | None = None,
        first: First = nothing,
    ) -> IPreparedRefs:
        prepared: Any = await self._refs.prepare(directory, updates, intent, head, first)
        return _Stubborn(self, prepared)  # type: ignore[return-value]

    async def force(self, directory: GitDirectory, updates: Sequence[RefUpdate]) -> None:
        self.forced += 1
        self.fail()
        await self._refs.force(directory, updates)

    def fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EIO, "no")


@define(eq=False)
class _Stubborn:
    _refs: StubbornRefs
    _prepared: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self._prepared, name)

    async def commit(self, first: First = nothing) -> None:
        if not self._refs.failures:
            await self._prepared.commit(first)
            return
        first()
        await self._prepared.abort()
        self._refs.fail()


class AfterTheLogTests(CommitCase):
    """
    What fails once the entry is durable is tried until it works (S9).
    """

    def setUp(self) -> None:
        self.stubborn: list[StubbornRefs] = []
        self.settings = {"refs": self._stubborn, "inline": 100}
        super().setUp()

    def _stubborn(self, refs: IRefs) -> IRefs:
        self.stubborn.append(StubbornRefs(refs))
        return self.stubborn[-1]

    def assertInsists(self, begin: Callable[[], Deferred[Any]], seconds: float = 60) -> None:
        """
        The write has no result while it fails, is reported as failing, and succeeds in the end.
        """
        committed = begin()
        self.assertNoResult(committed)
        self.assertEqual(self.site.committer.failing, {ALPHA})
        self.site.clock.pump([LONGEST_PAUSE] * int(seconds / LONGEST_PAUSE))
        self.assertEqual(self.successResultOf(committed).head, self.head())
        self.assertEqual(self.refs(), {MAIN: self.third})
        self.assertEqual(self.site.committer.failing, frozenset())
        self.assertGreater(len(self.flushLoggedErrors(OSError)), 0)
        self.assertEqual([path for path in litter(self.root) if "staging" not in path], [])

    def test_no_space_for_objects(self) -> None:
        """
        Objects that do not fit are written as soon as they do, and the ref moves only then.
        """
        for point in ("apply.before", "apply.after_each_staged", "apply.after_staged", "apply.before_refs", "apply.after_refs"):
            manifest = self.push()
            with failpoints.active(failpoints.parse(f"{point}=error(ENOSPC)")):
                self.assertInsists(lambda manifest=manifest: self.site.begin(manifest))  # type: ignore[misc]
            self.site.commit(moving((MAIN, self.third, self.first)))
            shutil.rmtree(join(self.root, os.path.dirname(manifest.staged[0].source)))

    def test_refs_that_cannot_be_written(self) -> None:
        """
        If the locked refs cannot be moved they are forced, as often as it takes.
        """
        self.stubborn[0].failures = 3
        self.assertInsists(lambda: self.site.begin(self.push()))
        self.assertEqual(self.stubborn[0].forced, 3)

    def test_pauses_grow(self) -> None:
        """
        The pauses between attempts grow, to a limit.
        """
        self.stubborn[0].failures = 1000
        committed = self.site.begin(self.push())
        for _ in range(200):
            self.site.clock.advance(0.1)
        attempts = 1000 - self.stubborn[0].failures
        self.assertLess(attempts, 15)
        self.assertGreater(attempts, 5)
        self.site.clock.pump([LONGEST_PAUSE] * 5)
        self.assertEqual(1000 - self.stubborn[0].failures, attempts + 5)
        self.assertNoResult(committed)
        self.stubborn[0].failures = 0
        self.site.clock.advance(LONGEST_PAUSE)
        self.successResultOf(committed)
        self.flushLoggedErrors(OSError)

    def test_other_partitions_do_not_wait(self) -> None:
        """
        Another repository is written meanwhile.
        """
        self.stubborn[0].failures = 1000
        committed = self.site.begin(self.push())
        self.site.commit(creation(BETA))
        self.stubborn[0].failures = 0
        self.site.clock.advance(1)
        self.successResultOf(committed)
        self.flushLoggedErrors(OSError)

    def test_stop(self) -> None:
        """
        A server that stops gives up trying; the next start finds the write in the log.
        """
        self.stubborn[0].failures = 1000
        committed = self.site.begin(self.push())
        self.site.stop()
        error = self.failureResultOf(committed, StillCommitting).value
        self.assertEqual(error.code, Code.UNAVAILABLE)
        self.assertEqual([path for path in litter(self.root) if path.endswith(".lock") or "intents" in path], [])
        self.flushLoggedErrors(OSError)
        self.site = make_site(self.root).start()
        self.assertEqual(self.refs(), {MAIN: self.third})
        self.assertEqual(litter(self.root), [])

    def test_stop_comes_first(self) -> None:
        """
        A write that fails after the server began to stop is not tried again.
        """
        self.site.committer.stop()
        self.stubborn[0].failures = 1
        self.failureResultOf(self.site.begin(self.push()), StillCommitting)
        self.flushLoggedErrors(OSError)

    def test_vanished(self) -> None:
        """
        If somebody else removes the repository meanwhile, the writer is told, and nothing is made in its place.
        """
        path = join(self.root, ALPHA.path)

        def vanish() -> None:
            shutil.rmtree(path)

        with failpoints.active({"apply.before": vanish}):
            error = self.failureResultOf(self.site.begin(self.push()), RepositoryVanished).value
        self.assertEqual((error.code, error.message), (Code.NOT_FOUND, "repository does not exist"))
        self.assertFalse(os.path.exists(path))
        self.assertEqual([path for path in litter(self.root) if "staging" not in path], [])
        self.assertEqual(self.site.committer.failing, frozenset())
        self.site.commit(creation())

    def test_earlier_write(self) -> None:
        """
        While what was committed before a restart cannot be applied, nothing new is written to that partition; it is tried again
        by itself, and before every write.
        """
        self.stubborn[0].failures = 1000
        self.site.begin(self.push()).addErrback(lambda failure: None)
        self.site.stop()
        site = self.site = make_site(self.root, refs=self._stubborn)
        self.stubborn[1].failures = 3
        site.start()
        self.assertEqual(site.committer.failing, {ALPHA})
        error = self.assertRaises(GitalyError, site.commit, moving((TOPIC, ZERO, self.first)))
        self.assertEqual((error.code, error.message), (Code.UNAVAILABLE, "an earlier write cannot be applied yet"))
        site.clock.advance(2)
        self.assertEqual(site.committer.failing, {ALPHA})
        site.clock.advance(2)
        self.assertEqual(site.committer.failing, frozenset())
        self.assertEqual(self.refs(), {MAIN: self.third})
        site.commit(moving((TOPIC, ZERO, self.first)))
        self.flushLoggedErrors(OSError)
