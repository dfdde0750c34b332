"""
When housekeeping happens.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from posixpath import join
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.housekeeping.schedule import EVERY, TIDY_EVERY, Housekeeping
from gitaly_tx.housekeeping.strategy import Graph, Plan, Repack, Thresholds
from gitaly_tx.wal.interfaces import FileChange, Partition
from tests.support.awaiting import begin
from tests.support.threads import ParkedThreads

NOW = time.time()
DAY = 86400.0


class Named:
    """
    As much of a repository as is looked at here.
    """

    def __init__(self, path: str, name: str) -> None:
        self.partition = Partition("default", name)
        self.directory = GitDirectory(path)
        self.changes: list[FileChange] = []

    def turn(self, job: Callable[[Any], Awaitable[None]]) -> Deferred[None]:
        return begin(job(self))

    async def commit(self, *, files: list[FileChange]) -> None:
        self.changes += files


class RecordedTasks:
    """
    Tasks that last until the test says so.
    """

    def __init__(self) -> None:
        self.running: list[tuple[str, Plan, Deferred[None]]] = []
        self.insisted = False

    def perform(self, repository: Named, plan: Plan, insist: bool) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self.running.append((repository.partition.path, plan, done))
        self.insisted = insist
        return done


class HousekeepingTests(SynchronousTestCase):
    """
    Pushes are counted, and now and then something happens in the background.
    """

    def setUp(self) -> None:
        self.now = NOW
        self.threads = ParkedThreads()
        self.tasks = RecordedTasks()
        tasks: Any = self.tasks
        self.housekeeping: Any = Housekeeping(
            tasks,
            self.threads,
            thresholds=Thresholds(loose_refs=1),
            every=3,
            now=lambda: self.now,
        )
        self.a, self.b = self.repository("a.git"), self.repository("b.git")

    def tearDown(self) -> None:
        while self.working():
            self.end()

    def repository(self, name: str, refs: int = 1) -> Named:
        path = self.mktemp()
        os.makedirs(join(path, "refs/heads"))
        for number in range(refs):
            with open(join(path, f"refs/heads/{number}"), "w"):
                pass
        return Named(path, name)

    def push(self, repository: Named, times: int = 1) -> None:
        for _ in range(times):
            self.housekeeping.consider(repository)

    def working(self) -> list[str]:
        self.threads.all()
        return [name for name, _, _ in self.tasks.running]

    def end(self) -> None:
        self.tasks.running.pop(0)[2].callback(None)

    def test_counted(self):
        """
        A repository is looked at after every third push, and each repository has its own count.
        """
        self.push(self.a, 2)
        self.push(self.b, 2)
        self.assertEqual(self.threads.parked, [])
        self.push(self.a)
        self.assertEqual(self.working(), ["a.git"])
        self.assertEqual(self.tasks.running[0][1], Plan(refs=True, bitmap=True))
        self.end()
        self.push(self.a, 2)
        self.assertEqual(self.working(), [])
        self.push(self.a)
        self.assertEqual(self.working(), ["a.git"])

    def test_nothing_to_do(self):
        """
        A repository that is well is left alone.
        """
        self.push(self.repository("c.git", refs=0), 3)
        self.assertEqual(self.working(), [])
        self.successResultOf(self.housekeeping.idle())

    def test_default(self):
        """
        Without other orders, it is every tenth push, with the thresholds of a normal repository.
        """
        tasks: Any = self.tasks
        housekeeping: Any = Housekeeping(tasks, self.threads)
        for _ in range(EVERY):
            housekeeping.consider(self.a)
        self.assertEqual(self.working(), [])

    def test_one_at_a_time(self):
        """
        A second repository waits for the first, and one that is being worked on is not looked at again meanwhile.
        """
        self.push(self.a, 3)
        self.push(self.b, 3)
        self.assertEqual(self.working(), ["a.git"])
        self.push(self.a, 7)
        self.assertEqual(self.working(), ["a.git"])
        idle = self.housekeeping.idle()
        self.end()
        self.assertEqual(self.working(), ["b.git"])
        self.assertNoResult(idle)
        self.end()
        self.successResultOf(idle)
        self.push(self.a)
        self.assertEqual(self.working(), ["a.git"])

    def test_failure(self):
        """
        What fails is logged with its facts, and the next repository has its turn.
        """
        self.push(self.a, 3)
        self.push(self.b, 3)
        self.working()
        self.tasks.running.pop()[2].errback(GitalyError("no", Code.ABORTED, {"why": "test"}))
        (failure,) = self.flushLoggedErrors(GitalyError)
        self.assertEqual(failure.value.facts, {"why": "test"})
        self.assertEqual(self.working(), ["b.git"])
        self.tasks.running.pop()[2].errback(ValueError("odd"))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_stop(self):
        """
        Stopping gives up what is under way and what waits, silently, and nothing begins afterwards.
        """
        self.push(self.a, 3)
        self.push(self.b, 3)
        self.assertEqual(self.working(), ["a.git"])
        self.successResultOf(self.housekeeping.stop())
        self.push(self.b, 30)
        self.assertEqual(self.working(), ["a.git"])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_on_demand(self):
        """
        Who asks is answered when it is done, and hears of failures; meanwhile others who ask are answered at once, and pushes
        begin nothing.
        """
        asked = begin(self.housekeeping.optimize(self.a, True))
        self.assertEqual(self.working(), ["a.git"])
        self.assertEqual(self.tasks.running[0][1], Plan(Repack.NONE, True, NOW - 10 * DAY, True, refs=True, graph=Graph.REPLACE))
        self.successResultOf(begin(self.housekeeping.optimize(self.a)))
        self.push(self.a, 9)
        self.assertEqual(self.working(), ["a.git"])
        self.assertNoResult(asked)
        self.tasks.running.pop()[2].errback(GitalyError("no", Code.ABORTED))
        self.assertEqual(self.failureResultOf(asked, GitalyError).value.message, "no")
        asked = begin(self.housekeeping.optimize(self.a))
        self.assertEqual(self.working(), ["a.git"])
        self.end()
        self.successResultOf(asked)
        self.successResultOf(self.housekeeping.stop())
        self.successResultOf(begin(self.housekeeping.optimize(self.a)))
        self.assertEqual(self.working(), [])

    def test_prune(self):
        """
        Who wants something dropped waits until nothing else is done to the repository, and is told if it could not be.
        """
        first = begin(self.housekeeping.optimize(self.a))
        self.assertEqual(self.working(), ["a.git"])
        asked = [begin(self.housekeeping.prune(self.a, 100.0)) for _ in range(3)]
        given_up = asked.pop()
        given_up.cancel()
        self.failureResultOf(given_up, CancelledError)
        self.assertEqual(self.working(), ["a.git"])
        self.end()
        self.successResultOf(first)
        for one in asked:
            self.assertEqual(self.working(), ["a.git"])
            self.assertEqual((self.tasks.running[0][1].expire, self.tasks.insisted), (NOW - 100.0, True))
            self.assertNoResult(one)
            self.end()
            self.successResultOf(one)

    def test_pool(self):
        """
        A pool is known by its path.
        """
        pool = self.repository(f"@pools/ab/cd/abcd{'0' * 60}.git")
        asked = begin(self.housekeeping.optimize(pool, True))
        self.assertEqual(len(self.working()), 1)
        self.assertTrue(self.tasks.running[0][1].keep)
        self.end()
        self.successResultOf(asked)

    def test_tidied(self):
        """
        Before anything else what crashes left is removed, and the config is cleaned by a write if it needs that.
        """
        lock, config = join(self.a.directory.path, "HEAD.lock"), join(self.a.directory.path, "config")
        with open(lock, "w"):
            os.utime(lock, (1, 1))
        for content, changes in ((b"[a]\n\tb = c\n", []), (b"[a]\n", [FileChange("config", b"", 0o600)])):
            with open(config, "wb") as file:
                file.write(content)
            os.chmod(config, 0o600)
            asked = begin(self.housekeeping.tidy(self.a))
            self.assertEqual(self.working(), [])
            self.successResultOf(asked)
            self.assertEqual(self.a.changes, changes)
        self.assertFalse(os.path.exists(lock))

    def test_tidied_now_and_then(self):
        """
        A repository that is pushed to all the time is tidied every quarter of an hour only; who asks for it is not refused.
        """
        left = join(self.a.directory.path, "HEAD.lock")

        def is_tidied() -> bool:
            self.working()
            gone = not os.path.exists(left)
            with open(left, "w"):
                os.utime(left, (1, 1))
            return gone

        is_tidied()
        for later, tidied in ((0.0, True), (TIDY_EVERY - 1, False), (TIDY_EVERY, True), (0.0, True)):
            self.now = NOW + later
            self.push(self.a, 3)
            self.assertEqual((later, is_tidied()), (later, tidied))
            self.end()
        asked = begin(self.housekeeping.optimize(self.a))
        self.assertTrue(is_tidied())
        self.end()
        self.successResultOf(asked)
