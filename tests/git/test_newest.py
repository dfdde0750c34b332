"""
The first commits of a history, compared with what git lists.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from itertools import count

from gitaly_tx.git.interfaces import IObjects
from gitaly_tx.git.newest import newest
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from tests.support.history import History
from tests.support.readcase import ReadCase

PERSON = "C <c@example.org>"


class NewestTests(ReadCase):
    """
    :func:`gitaly_tx.git.newest.newest`
    """

    def fill(self) -> None:
        """
        Nothing; each test makes a history of its own.
        """
        self.history = History(self.directory, ObjectFormat(self.object_format))
        self.tree = self.history.tree({})
        self.numbers = count()

    def commit(self, *parents: ObjectID, date: str = "1000 +0000", begin: str = "") -> ObjectID:
        """
        A commit of whatever form; not the same as another.
        """
        lines = [f"tree {self.tree}", *(f"parent {parent}" for parent in parents), f"{begin}author {PERSON} 1 +0000"]
        lines += [f"committer {PERSON} {date}", "", str(next(self.numbers))]
        return self.history.write(b"commit", "\n".join(lines).encode())

    async def found(self, starts: Sequence[ObjectID], maximum: int = 64, *, first_parent: bool = False) -> list[bytes] | None:
        """
        The ids, found here.
        """

        def look(objects: IObjects) -> list[bytes] | None:
            commits = newest(objects, self.directory, starts, maximum, first_parent=first_parent)
            return None if commits is None else [commit.oid for commit in commits]

        return await self.repository.look(look)

    def listed(self, starts: Sequence[ObjectID], *options: str) -> list[bytes]:
        """
        The ids, as git lists them.
        """
        return self.run_git("rev-list", *options, *map(str, starts)).encode().split()

    async def test_as_git(self):
        """
        The order is git's: for histories with merges and roots, clocks that go wrong and many commits of the same second, from
        one commit or several, tags and repetitions among them.
        """
        for seed in range(8):
            chance = random.Random(seed)
            commits: list[ObjectID] = []
            for _ in range(40):
                parents = chance.sample(commits[-6:], min(len(commits[-6:]), chance.choice((0, 1, 1, 1, 1, 2, 2, 3))))
                commits.append(self.commit(*parents, date=f"{chance.randrange(1000, 1012)} +0000"))
            self.run_git("tag", "-f", "-m", "x", "v1", str(commits[-2]))
            tag = ObjectID(self.run_git("rev-parse", "v1"))
            for starts in ([commits[-1]], chance.sample(commits, 3), [tag, commits[-1], commits[-2], commits[-1]]):
                self.assertEqual(await self.found(starts), self.listed(starts), (seed, starts))
                self.assertEqual(await self.found(starts, 7), self.listed(starts, "--max-count=7"), (seed, starts))
                expected = self.listed(starts, "--first-parent")
                self.assertEqual(await self.found(starts, first_parent=True), expected, (seed, starts))

    async def test_odd(self):
        """
        What git alone understands is left to it: dates that are none or far away, lines that stand elsewhere.
        """
        for odd in (
            self.commit(date=""),
            self.commit(date="-5 +0000"),
            self.commit(date="99999999999 +0000"),
            self.commit(date="> 1000 +0000"),
            self.commit(begin="encoding x\n"),
            self.commit(date="1000"),
        ):
            self.assertIsNone(await self.found([odd]))
            self.assertIsNone(await self.found([self.commit(odd)]))

    async def test_missing(self):
        """
        A commit that is missing, or none, is git's to complain of, also if it would only have been the next one.
        """
        blob = self.history.write(b"blob", b"x")
        for none in (ObjectID("1" * self.repository.object_format.hex_length), blob, self.tree):
            self.assertIsNone(await self.found([none]))
            self.assertIsNone(await self.found([self.commit(none)], 1))

    async def test_cut_off(self):
        """
        In a repository whose history ends elsewhere than its commits say, git is asked.
        """
        commit = self.commit(self.commit())
        for name in ("shallow", "info/grafts"):
            path = os.path.join(self.directory.path, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(commit + b"\n")
            self.assertIsNone(await self.found([commit]))
            os.unlink(path)
        self.assertEqual(await self.found([commit]), self.listed([commit]))


class Sha256NewestTests(NewestTests):
    """
    The same with SHA-256.
    """

    object_format = "sha256"
