"""
Tests for RepositoryService: OptimizeRepository and PruneUnreachableObjects.
"""

from __future__ import annotations

import os
from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.housekeeping.schedule import Housekeeping
from gitaly_tx.housekeeping.statistics import survey
from gitaly_tx.housekeeping.tasks import Tasks
from gitaly_tx.services.repository.service import RepositoryService
from protocols.gitaly import repository_pb2 as pb
from tests.contracts.storageprovider import named
from tests.pools.poolcase import POOL, PoolCase

UNUSED: Any = None

Strategy = pb.OptimizeRepositoryRequest


class OptimizeTests(PoolCase):
    """
    Housekeeping on demand.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        await PoolCase.setUp(self)
        stack = self.stack
        housekeeping = Housekeeping(Tasks(stack.git, stack.threads), stack.threads)
        self.service: Any = RepositoryService(
            stack.provider, stack.git, stack.threads, UNUSED, UNUSED, UNUSED, housekeeping, UNUSED
        )
        await self.make("a.git")

    async def optimize(self, name: str, strategy: int = 0) -> None:
        request = pb.OptimizeRepositoryRequest(repository=named(name), strategy=strategy)  # type: ignore[arg-type]
        self.assertEqual(await self.service.OptimizeRepository(None, request), pb.OptimizeRepositoryResponse())
        self.git(name, "fsck", "--strict")

    async def prune(self, name: str) -> None:
        request = pb.PruneUnreachableObjectsRequest(repository=named(name))
        self.assertEqual(await self.service.PruneUnreachableObjects(None, request), pb.PruneUnreachableObjectsResponse())
        self.git(name, "fsck", "--strict")

    async def test_heuristical(self) -> None:
        """
        A new repository gets what makes it fast; after that there is nothing more to do. Passwords in its config go.
        """
        with open(self.path("a.git/config"), "a") as file:
            file.write('[http "x"]\n\textraHeader = secret\n')
        self.git("a.git", "repack", "-dq")
        for strategy in (Strategy.STRATEGY_UNSPECIFIED, Strategy.STRATEGY_HEURISTICAL):
            await self.optimize("a.git", strategy)
            found = survey(self.path("a.git"))
            self.assertTrue(found.index and found.graph.chain and found.graph.filters)
            names = sorted(os.listdir(self.path("a.git/objects/pack")))
        await self.optimize("a.git")
        self.assertEqual(sorted(os.listdir(self.path("a.git/objects/pack"))), names)
        self.assertEqual(self.git("a.git", "config", "--get-regexp", "http", check=False), b"")

    async def test_eager(self) -> None:
        """
        On demand everything is done, in an empty repository too.
        """
        self.git("a.git", "branch", "x")
        await self.optimize("a.git", Strategy.STRATEGY_EAGER)
        found = survey(self.path("a.git"))
        self.assertEqual((len(found.packs), found.loose_objects, found.loose_refs), (1, 0, 0))
        await self.make("b.git", 0)
        await self.optimize("b.git", Strategy.STRATEGY_EAGER)

    async def test_prune(self) -> None:
        """
        What nothing refers to is dropped after half an hour.
        """
        old, young = self.commit("a.git", "old"), self.commit("a.git", "young")
        os.utime(self.path(f"a.git/objects/{old[:2]}/{old[2:]}"), (1, 1))
        await self.prune("a.git")
        self.assertIn(b"missing", self.git("a.git", "cat-file", "--batch-check", stdin=old.encode()))
        self.git("a.git", "cat-file", "-e", young)
        await self.make("b.git", 0)
        await self.prune("b.git")

    async def test_refused(self) -> None:
        """
        The repository must be named and be there; a pool is not pruned, and a strategy must be known.
        """
        await self.make_pool("a.git")
        await self.prune("a.git")
        bad = Code.INVALID_ARGUMENT
        for message, expected in [
            (None, (bad, "repository not set")),
            (named("b.git"), (Code.NOT_FOUND, "repository not found")),
        ]:
            asked = self.service.OptimizeRepository(None, pb.OptimizeRepositoryRequest(repository=message))
            self.assertEqual(await self.refusal(asked), expected)
            asked = self.service.PruneUnreachableObjects(None, pb.PruneUnreachableObjectsRequest(repository=message))
            self.assertEqual(await self.refusal(asked), expected)
        asked = self.service.PruneUnreachableObjects(None, pb.PruneUnreachableObjectsRequest(repository=named(POOL)))
        self.assertEqual(await self.refusal(asked), (bad, "pruning objects for object pool"))
        self.assertEqual(await self.refusal(self.optimize("a.git", 12)), (bad, "unsupported optimization strategy 12"))
        for strategy in (Strategy.STRATEGY_OFFLOADING, Strategy.STRATEGY_REHYDRATION):
            expected = (Code.FAILED_PRECONDITION, "no secondary storage for objects is configured")
            self.assertEqual(await self.refusal(self.optimize("a.git", strategy)), expected)
