"""
When housekeeping happens.
"""

from __future__ import annotations

import os
from posixpath import join

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.housekeeping.schedule import EVERY, Housekeeping
from gitaly_tx.housekeeping.statistics import Statistics
from gitaly_tx.housekeeping.strategy import Plan, Thresholds
from gitaly_tx.wal.interfaces import Partition
from tests.support.threads import ParkedThreads


class Named:
    """
    As much of a repository as is looked at here.
    """

    def __init__(self, path: str, name: str) -> None:
        self.partition = Partition("default", name)
        self.directory = GitDirectory(path)


class RecordedTasks:
    """
    Tasks that last until the test says so.
    """

    def __init__(self) -> None:
        self.running: list[tuple[str, Plan, Deferred[None]]] = []

    def perform(self, repository: Named, statistics: Statistics, plan: Plan) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self.running.append((repository.partition.path, plan, done))
        return done


class HousekeepingTests(SynchronousTestCase):
    """
    Pushes are counted, and now and then something happens in the background.
    """

    def setUp(self) -> None:
        self.threads = ParkedThreads()
        self.tasks = RecordedTasks()
        self.housekeeping = Housekeeping(
            self.tasks,  # type: ignore[arg-type]
            self.threads,
            thresholds=Thresholds(loose_refs=1),
            every=3,
        )
        self.a, self.b = self.repository("a.git"), self.repository("b.git")

    def repository(self, name: str, refs: int = 1) -> Named:
        path = self.mktemp()
        os.makedirs(join(path, "refs/heads"))
        for number in range(refs):
            with open(join(path, f"refs/heads/{number}"), "w"):
                pass
        return Named(path, name)

    def push(self, repository: Named, times: int = 1) -> None:
        for _ in range(times):
            self.housekeeping.consider(repository)  # type: ignore[arg-type]

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
        self.assertEqual(self.tasks.running[0][1], Plan(refs=True))
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
        housekeeping = Housekeeping(self.tasks, self.threads)  # type: ignore[arg-type]
        for _ in range(EVERY):
            housekeeping.consider(self.a)  # type: ignore[arg-type]
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
