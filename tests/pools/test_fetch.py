"""
Tests for gitaly_tx.pools.fetch.
"""

from __future__ import annotations

import os

from gitaly_tx.errors import Code
from gitaly_tx.git.interfaces import RefUpdate
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.pools.fetch import fetch
from gitaly_tx.pools.link import link
from tests.support.hearing import Sink, make_unasked

from .poolcase import POOL, PoolCase

MAIN = b"refs/heads/main"


class FetchTests(PoolCase):
    """
    ``fetch``
    """

    async def setUp(self) -> None:  # type: ignore[override]
        await PoolCase.setUp(self)
        self.sink = Sink()
        self.unasked = make_unasked(self.stack.git, self.sink)
        self.member = await self.make("a.git")
        self.git("a.git", "update-ref", "refs/keep-around/x", "main~1")
        self.pool = await self.make_pool("a.git")

    async def fetch(self) -> dict[str, str]:
        """
        Bring the pool up to date.

        :returns: the refs that it has of its own by that.
        """
        await fetch(self.stack.git, self.stack.threads, self.unasked.commit, self.pool, self.member)
        self.git(POOL, "fsck", "--strict")
        self.assertEqual((self.littered(), self.stack.alive), ([], 0))
        listed = self.git(POOL, "for-each-ref", "--format=%(refname) %(objectname)", "refs/remotes", "refs/dangling")
        return dict(line.split(" ") for line in listed.decode().splitlines())

    def theirs(self) -> dict[str, str]:
        """
        What the pool should mirror.
        """
        listed = self.git("a.git", "for-each-ref", "--format=refs/remotes/origin%(refname) %(objectname)").decode().splitlines()
        found = (line.split(" ") for line in listed)
        return {name.replace("originrefs", "origin"): oid for name, oid in found}

    async def test_fetch(self) -> None:
        """
        All refs of the member are mirrored, with what they reach, in one pack; a second time nothing changes.
        """
        self.git("a.git", "update-ref", "refs/heads/main", self.commit("a.git", "new"))
        self.git("a.git", "-c", "user.name=A", "-c", "user.email=a@b", "tag", "-m", "x", "v1")
        self.assertEqual(await self.fetch(), self.theirs())
        packs = sorted(os.listdir(self.path(f"{POOL}/objects/pack")))
        self.assertEqual(len(self.theirs()), 3)
        self.assertEqual(await self.fetch(), self.theirs())
        self.assertEqual(sorted(os.listdir(self.path(f"{POOL}/objects/pack"))), packs)

    async def test_moved(self) -> None:
        """
        A ref that was forced is forced, one that went goes, and what nothing refers to any more is kept by a ref of its own.
        """
        await self.fetch()
        first = self.git("a.git", "rev-parse", "main").decode().strip()
        lost = self.commit("a.git", "lost")
        self.git("a.git", "update-ref", "refs/heads/main", lost)
        self.git("a.git", "update-ref", "refs/heads/side", "main")
        await self.fetch()
        self.git("a.git", "update-ref", "refs/heads/main", first)
        self.git("a.git", "update-ref", "-d", "refs/heads/side")
        self.assertEqual(await self.fetch(), {**self.theirs(), f"refs/dangling/{lost}": lost})
        self.assertEqual(await self.fetch(), {**self.theirs(), f"refs/dangling/{lost}": lost})

    async def test_directories(self) -> None:
        """
        A ref may become a directory of refs, and the other way round.
        """
        for before, after in (("branch", "branch/x"), ("branch/x", "branch")):
            if before == "branch":
                self.git("a.git", "update-ref", f"refs/heads/{before}", "main")
                await self.fetch()
            self.git("a.git", "update-ref", "-d", f"refs/heads/{before}")
            self.git("a.git", "update-ref", f"refs/heads/{after}", "main")
            self.assertEqual(await self.fetch(), self.theirs())

    async def test_from_a_linked_member(self) -> None:
        """
        A member that borrows from the pool gives it what is new.
        """
        await link(self.stack.threads, self.member, self.pool)
        self.git("a.git", "repack", "-a", "-d", "-l", "-q")
        new = self.commit("a.git", "new")
        self.git("a.git", "update-ref", "refs/heads/main", new)
        await self.fetch()
        self.git(POOL, "cat-file", "-e", new)

    async def test_broken_origin(self) -> None:
        """
        If the origin lacks an object nothing is changed in the pool.
        """
        new = self.commit("a.git", "new")
        self.git("a.git", "update-ref", "refs/heads/main", new)
        os.unlink(self.path(f"a.git/objects/{new[:2]}/{new[2:]}"))
        before = await self.pool.refs()
        self.assertEqual(await self.refusal(self.fetch()), (Code.INTERNAL, "fetch into object pool: exit status 128"))
        self.assertEqual(await self.pool.refs(), before)
        self.assertEqual((self.littered(), self.stack.alive), ([], 0))

    async def test_broken_pool(self) -> None:
        """
        A pool that lacks objects is told.
        """
        await self.fetch()
        bad = ObjectID(b"1" * 40)
        await self.pool.commit([RefUpdate(b"refs/heads/bad", None, bad)])
        expected = (Code.INTERNAL, "fetch into object pool: rescuing dangling objects: exit status 2")
        self.assertEqual(await self.refusal(self.fetch()), expected)

    async def test_refused(self) -> None:
        """
        A ref of the pool that stands where a mirrored one belongs is not overwritten, and that is told.
        """
        main = (await self.member.ref(MAIN)).target  # type: ignore[union-attr]
        await self.pool.commit([RefUpdate(b"refs/remotes/origin", None, main)])
        expected = (Code.ABORTED, "fetch into object pool: reference update refused")
        self.assertEqual(await self.refusal(self.fetch()), expected)
