"""
What crashes left behind.
"""

from __future__ import annotations

import os
import time
from posixpath import join

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.housekeeping.stale import DAY, HOUR, MINUTE, remove_stale
from tests.support.git import git, make_repository

OLD = {
    "config.lock": 15 * MINUTE,
    "HEAD.lock": 15 * MINUTE,
    "info/attributes.lock": 15 * MINUTE,
    "objects/info/alternates.lock": 15 * MINUTE,
    "objects/info/commit-graphs/commit-graph-chain.lock": 15 * MINUTE,
    "objects/pack/multi-pack-index.lock": 15 * MINUTE,
    "packed-refs.lock": HOUR,
    "packed-refs.new": 15 * MINUTE,
    "refs/heads/x.lock": HOUR,
    "refs/heads/empty": DAY,
    "objects/tmp_objdir": DAY,
    "objects/ab/tmp_obj_x": DAY,
    "objects/pack/tmp_pack_x": DAY,
    "objects/pack/.tmp-1-pack-x.pack": DAY,
    "objects/pack/multi-pack-index.temp": DAY,
    "objects/pack/pack-x.lock": 7 * DAY,
    "objects/pack/pack-y.pack": DAY,
    "objects/pack/pack-y.mtimes": DAY,
}


class StaleTests(SynchronousTestCase):
    """
    ``remove_stale``
    """

    def setUp(self) -> None:
        self.path = make_repository(os.path.abspath(self.mktemp()), 2).path
        self.now = time.time()

    def put(self, name: str, age: float, content: bytes = b"") -> None:
        os.makedirs(os.path.dirname(join(self.path, name)), exist_ok=True)
        with open(join(self.path, name), "wb") as file:
            file.write(content)
        os.utime(join(self.path, name), (self.now - age, self.now - age))

    def test_ages(self) -> None:
        """
        Each kind of file goes when it is old enough, and not a moment before.
        """
        for name, age in OLD.items():
            self.put(name, age - 5)
        self.assertEqual(remove_stale(self.path, self.now), [])
        for name, age in OLD.items():
            self.put(name, age + 5)
        self.assertEqual(sorted(remove_stale(self.path, self.now)), sorted(OLD))
        git("-C", self.path, "fsck")

    def test_packs(self) -> None:
        """
        A pack that has its index stays, with all that belongs to it.
        """
        for end in ("pack", "idx", "mtimes", "keep"):
            self.put(f"objects/pack/pack-x.{end}", 30 * DAY)
        self.assertEqual(remove_stale(self.path, self.now), [])

    def test_dumb(self) -> None:
        """
        What serves only clients without a program behind the server goes at once.
        """
        git("-C", self.path, "repack", "-adq")
        git("-C", self.path, "update-server-info")
        self.assertEqual(remove_stale(self.path, self.now + 1), ["info/refs", "objects/info/packs"])

    def test_directories(self) -> None:
        """
        Directories of refs that are empty for a day go, and those above them the next time; those of branches and tags stay.
        """
        for name in ("refs/heads/a/b", "refs/pull"):
            os.makedirs(join(self.path, name))
        self.put("refs/heads/full/x", 2 * DAY, b"0" * 40)
        for name in ("refs/heads/a/b", "refs/heads/a", "refs/pull", "refs/tags", "refs/heads/full"):
            os.utime(join(self.path, name), (self.now - 2 * DAY, self.now - 2 * DAY))
        self.assertEqual(sorted(remove_stale(self.path, self.now)), ["refs/heads/a/b", "refs/pull"])
        self.assertEqual(remove_stale(self.path, self.now + 2 * DAY), ["refs/heads/a"])
        self.assertTrue(os.path.isdir(join(self.path, "refs/tags")))
        self.assertTrue(os.path.exists(join(self.path, "refs/heads/full/x")))

    def test_cannot(self) -> None:
        """
        What cannot be removed stays, and the rest goes.
        """
        self.put("config.lock", DAY)
        self.put("HEAD.lock", DAY)
        unlink = os.unlink

        def refuse(path: str) -> None:
            if path.endswith("config.lock"):
                raise PermissionError(path)
            unlink(path)

        self.patch(os, "unlink", refuse)
        self.assertEqual(remove_stale(self.path, self.now), ["HEAD.lock"])

    def test_nothing(self) -> None:
        """
        Where there is no repository nothing is removed.
        """
        self.assertEqual(remove_stale(self.mktemp(), self.now), [])
