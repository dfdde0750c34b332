"""
Housekeeping of a repository that is pushed to and read all the time, with everything real.
"""

from __future__ import annotations

import os
from posixpath import join

from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from gitaly_tx.git.interfaces import RefUpdate
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.housekeeping.schedule import Housekeeping
from gitaly_tx.housekeeping.statistics import survey
from gitaly_tx.housekeeping.strategy import Thresholds
from gitaly_tx.housekeeping.tasks import Tasks
from gitaly_tx.storage.interfaces import IRepository
from tests.contracts.storageprovider import ZERO, commit_data, named
from tests.support.awaiting import begin
from tests.support.git import git
from tests.support.stack import Stack


class LiveTests(TestCase):
    """
    A server's storage with housekeeping that has much to do.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        self.stack = Stack(self.mktemp())
        await self.stack.start()
        self.addCleanup(lambda: begin(self.stack.stop()))
        intents = {name: store.intents for name, store in self.stack.stores.items()}
        tasks = Tasks(self.stack.git, self.stack.threads, intents)
        thresholds = Thresholds(loose_objects=10, loose_refs=10, full_repack=0.0, expiry=0.0)
        self.housekeeping = Housekeeping(tasks, self.stack.threads, thresholds=thresholds, every=5)
        self.repository = await self.stack.provider.create(named("a.git"))
        self.path = self.repository.directory.path

    async def push(self, repository: IRepository, number: int) -> ObjectID:
        """
        One commit in one pack, on a branch of its own.
        """
        staging = await repository.stage()
        tree = await staging.write_object(b"tree", b"")
        oid = await staging.write_object(b"commit", commit_data(number))
        objects = staging.directory.object_directory or ""
        stdin = b"%s\n%s\n" % (tree, oid)

        def pack() -> None:
            git("-C", self.path, "pack-objects", "-q", join(objects, "pack/pack"), stdin=stdin, GIT_OBJECT_DIRECTORY=objects)
            git("-C", self.path, "prune-packed", GIT_OBJECT_DIRECTORY=objects)

        await self.stack.threads.run(pack)
        outcome = await repository.commit([RefUpdate(b"refs/heads/b%d" % number, ZERO, oid)], staging=staging)
        self.assertEqual(outcome.refused, {})
        self.housekeeping.consider(repository)
        return oid

    async def pusher(self, numbers: range) -> list[ObjectID]:
        made = []
        for number in numbers:
            repository = await self.stack.provider.repository(named("a.git"))
            made.append(await self.push(repository, number))
            found = await repository.object_info(made)
            self.assertNotIn(None, found)
        return made

    async def test_beside_pushes(self):
        """
        While two clients push and read, packs are merged and refs are packed; nothing is lost, and nothing is left over.
        """
        both = gatherResults([begin(self.pusher(range(25))), begin(self.pusher(range(25, 50)))])
        made = [oid for one in await both for oid in one]
        await self.housekeeping.idle()
        statistics = survey(self.path)
        self.assertLess(len(statistics.packs), 12)
        self.assertLess(statistics.loose_refs, 30)
        references = await self.repository.refs()
        self.assertEqual({reference.target for reference in references}, set(made))
        git("-C", self.path, "fsck", "--full", "--strict")
        self.assertEqual(self.stack.alive, 0)
        for area in ("staging", "intents"):
            self.assertEqual(os.listdir(join(self.stack.storages[0].path, "+gitaly", area)), [])
        await self.housekeeping.stop()

    async def test_removed(self):
        """
        A repository that is removed while it waits for housekeeping stays removed, and that is a matter for the log only.
        """
        for number in range(5):
            await self.push(self.repository, number)
        await self.stack.provider.remove(named("a.git"))
        await self.housekeeping.stop()
        self.flushLoggedErrors()
        self.assertFalse(os.path.exists(self.path))
        while self.stack.alive:
            # One that was just being made when housekeeping was stopped is removed a moment later.
            await deferLater(reactor, 0)
