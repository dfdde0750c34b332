"""
Repositories found on disk.
"""

from __future__ import annotations

import os
from posixpath import join

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.storage import walk
from tests.support.disk import make_bare, make_storage
from tests.support.threads import ParkedThreads, inline_threads


class WalkTests(SynchronousTestCase):
    """
    A storage with repositories in all layouts, and with what is none.
    """

    def setUp(self) -> None:
        root = self.mktemp()
        os.makedirs(root)
        self.storage = make_storage(root)
        for path in ("z.git", "plain", "work/.git", "team/a.git", "team/deep/er/b", "z.git/modules/sub", "+gitaly/staging/x"):
            make_bare(self.storage, path)
        make_bare(self.storage, "team/+gitaly")
        os.makedirs(join(self.storage.path, "empty/er"))
        os.symlink(join(self.storage.path, "plain"), join(self.storage.path, "alias"))
        with open(join(self.storage.path, "file"), "w"):
            pass
        self.expected = ["plain", "team/+gitaly", "team/a.git", "team/deep/er/b", "work/.git", "z.git"]

    def test_found(self):
        """
        All repositories are found in order, but none inside of another, behind a link, or in the server's own area.
        """
        self.assertEqual(list(walk.repositories(self.storage.path)), self.expected)

    def test_one(self):
        """
        A repository itself is its own and only one; where nothing is, nothing is found.
        """
        self.assertEqual(list(walk.repositories(join(self.storage.path, "z.git"))), ["."])
        self.assertEqual(list(walk.repositories(join(self.storage.path, "nowhere"))), [])
        self.assertEqual(list(walk.repositories(join(self.storage.path, "file"))), [])

    def test_is_repository(self):
        """
        A repository has objects, refs and HEAD.
        """
        self.assertTrue(walk.is_repository(join(self.storage.path, "z.git")))
        self.assertFalse(walk.is_repository(join(self.storage.path, "team")))

    def test_batches(self):
        """
        Batches come one at a time, each when it is asked for.
        """
        threads = ParkedThreads()
        batches: list[list[str]] = []

        async def collect() -> None:
            async for batch in walk.found(threads, self.storage.path, 4):
                batches.append(batch)

        done = Deferred.fromCoroutine(collect())
        self.assertEqual((batches, len(threads.parked)), ([], 1))
        threads.one()
        self.assertEqual((batches, len(threads.parked)), ([self.expected[:4]], 1))
        threads.all()
        self.assertEqual(batches, [self.expected[:4], self.expected[4:]])
        self.successResultOf(done)

    def test_count(self):
        """
        They are counted.
        """
        counting = Deferred.fromCoroutine(walk.count(inline_threads, self.storage.path))
        self.assertEqual(self.successResultOf(counting), len(self.expected))
