"""
A server that is killed between any two steps of what it does with pools.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from posixpath import join

from gitaly_tx.pools.disconnect import disconnect
from gitaly_tx.pools.fetch import fetch
from gitaly_tx.pools.link import link
from gitaly_tx.pools.pool import delete_pool
from tests.contracts.storageprovider import named
from tests.support.git import git
from tests.support.stack import Stack
from tests.support.wal import litter, snapshots

from .poolcase import POOL, PoolCase

State = tuple[bytes | None, bytes | None, bytes | None]
"""The refs of the member and of the pool, and where the member borrows."""


class CrashTests(PoolCase):
    """
    Whatever is left after a kill is a state before or after a step that is a transaction of its own, and nobody lacks an object.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        await PoolCase.setUp(self)
        self.member = await self.make("a.git")

    def state(self, root: str) -> State:
        """
        What there is, after a look at whether all of it is whole.
        """
        found: list[bytes | None] = []
        for name in ("a.git", POOL):
            path = join(root, "default", name)
            there = os.path.exists(path)
            if there:
                git("-C", path, "fsck", "--connectivity-only")
            found.append(git("-C", path, "show-ref", "--head", check=False) if there else None)
        alternates = join(root, "default/a.git/objects/info/alternates")
        if os.path.exists(alternates):
            with open(alternates, "rb") as file:
                return found[0], found[1], file.read()
        return found[0], found[1], None

    async def killed_everywhere(self, mutator: Callable[[], Awaitable[object]], between: int = 0) -> None:
        """
        :param between: how many states there are between the first and the last one.
        """
        for store in self.stack.stores.values():
            if store._checkpoint is not None:
                await store._checkpoint
        states = [self.state(self.root)]
        with snapshots(self.root, os.path.abspath(self.mktemp())) as taken:
            await mutator()
        self.assertGreater(len(taken), 10)
        for name, copy in taken:
            stack = Stack(copy, ["default", "other"])
            await stack.start()
            try:
                state = self.state(copy)
            finally:
                await stack.stop()
            if state != states[-1]:
                states.append(state)
            self.assertEqual(litter(join(copy, "default")), [], name)
        self.assertEqual(states[-1], self.state(self.root))
        self.assertEqual(len(states), 2 + between)

    async def test_create(self) -> None:
        """
        A pool is there with everything or not at all.
        """
        await self.killed_everywhere(lambda: self.make_pool("a.git"))

    async def test_delete(self) -> None:
        """
        A pool is there or gone.
        """
        await self.make_pool("a.git")
        await self.killed_everywhere(lambda: delete_pool(self.stack.provider, named(POOL)))

    async def test_link(self) -> None:
        """
        A repository borrows or does not.
        """
        pool = await self.make_pool("a.git")
        await self.killed_everywhere(lambda: link(self.stack.threads, self.member, pool))

    async def test_disconnect(self) -> None:
        """
        A repository borrows until it has everything itself.
        """
        await link(self.stack.threads, self.member, await self.make_pool("a.git"))
        self.git("a.git", "repack", "-a", "-d", "-l", "-q")
        await self.killed_everywhere(lambda: disconnect(self.stack.git, self.stack.threads, self.member))

    async def test_fetch(self) -> None:
        """
        A pool has what its refs name; refs that are in the way of others go first, and what lost its ref then gets another one.
        """
        pool = await self.make_pool("a.git")
        lost = self.commit("a.git", "lost")
        self.git("a.git", "update-ref", "refs/heads/x", lost)
        await fetch(self.stack.git, self.stack.threads, pool, self.member)
        self.git("a.git", "update-ref", "-d", "refs/heads/x")
        self.git("a.git", "update-ref", "refs/heads/x/y", self.commit("a.git", "new"))
        await self.killed_everywhere(lambda: fetch(self.stack.git, self.stack.threads, pool, self.member), between=2)
