"""
The walk from new tips.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import TestCase

from gitaly_tx.git.newobjects import tip_lines, walk_new
from gitaly_tx.git.objectid import ObjectID
from tests.support.git import git, make_git, make_repository


class WalkNewTests(TestCase):
    """
    ``walk_new``.
    """

    def setUp(self) -> None:
        self.directory = make_repository(os.path.realpath(self.mktemp()), 2)
        self.main = ObjectID(git("--git-dir", self.directory.path, "rev-parse", "main").strip())

    async def status(self, *tips: ObjectID, **environment: str) -> int | None:
        """
        How the walk ends.
        """
        command = walk_new(self.directory, environment=environment)
        _, ended = await make_git().run(command, stdin=tip_lines(tips), check=False)
        return ended.status

    async def test_whole_or_not(self) -> None:
        """
        It ends with 0 if everything is there.
        """
        self.assertEqual(await self.status(self.main), 0)
        self.assertEqual(await self.status(self.main, ObjectID(b"%040x" % 1)), 128)

    async def test_unreadable_ref(self) -> None:
        """
        A ref whose file has gone, or says nothing yet, is none to end at; to git it would be a reason to give up.
        """
        with open(os.path.join(self.directory.path, "refs", "heads", "going"), "wb"):
            pass
        self.assertEqual(await self.status(self.main, GIT_REF_PARANOIA="1"), 128)
        self.assertEqual(await self.status(self.main), 0)

    def test_options(self) -> None:
        """
        More may be asked of it.
        """
        argv = walk_new(self.directory, ["--progress=Looking"]).argv("git")
        self.assertEqual(argv[-2:], [b"--quiet", b"--progress=Looking"])
