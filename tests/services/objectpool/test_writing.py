"""
Tests for ObjectPoolService: what makes, links and fills pools.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.hooks.interfaces import Change
from gitaly_tx.housekeeping.schedule import Housekeeping
from gitaly_tx.housekeeping.tasks import Tasks
from gitaly_tx.services.objectpool.service import ObjectPoolService
from protocols.gitaly import objectpool_pb2 as pb
from protocols.gitaly.shared_pb2 import ObjectPool, Repository
from tests.contracts.storageprovider import named
from tests.pools.poolcase import POOL, PoolCase, other
from tests.support.hearing import Sink, make_unasked

UNNAMED = ObjectPool()


def pool(message: Repository | None = None) -> ObjectPool:
    """
    A pool message.
    """
    return ObjectPool(repository=named(POOL) if message is None else message)


class WritingTests(PoolCase):
    """
    The five methods that write.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        await PoolCase.setUp(self)
        self.sink = Sink()
        self.service: Any = ObjectPoolService(
            self.stack.git,
            self.stack.provider,
            self.stack.threads,
            make_unasked(self.stack.git, self.sink),
            Housekeeping(Tasks(self.stack.git, self.stack.threads), self.stack.threads),
        )

    async def test_the_way_of_a_pool(self) -> None:
        """
        A pool is made, linked, found, filled, left and removed, and each step may be repeated but the first.
        """
        await self.make("a.git")
        origin = named("a.git")
        await self.service.CreateObjectPool(None, pb.CreateObjectPoolRequest(object_pool=pool(), origin=origin))
        for _ in range(2):
            await self.service.LinkRepositoryToObjectPool(
                None, pb.LinkRepositoryToObjectPoolRequest(object_pool=pool(), repository=origin)
            )
            found = await self.service.GetObjectPool(None, pb.GetObjectPoolRequest(repository=origin))
            self.assertEqual(found.object_pool, pool())
            self.git("a.git", "repack", "-a", "-d", "-l", "-q")
            await self.service.FetchIntoObjectPool(None, pb.FetchIntoObjectPoolRequest(object_pool=pool(), origin=origin))
            self.git(POOL, "rev-parse", "refs/remotes/origin/heads/main")
        for _ in range(2):
            await self.service.DisconnectGitAlternates(None, pb.DisconnectGitAlternatesRequest(repository=origin))
            found = await self.service.GetObjectPool(None, pb.GetObjectPoolRequest(repository=origin))
            self.assertFalse(found.HasField("object_pool"))
        for _ in range(2):
            await self.service.DeleteObjectPool(None, pb.DeleteObjectPoolRequest(object_pool=pool()))
        self.git("a.git", "fsck")
        tip = self.git("a.git", "rev-parse", "main").decode().strip()
        made = {"refs/heads/main": tip, "HEAD": "refs/heads/main"}
        self.assertEqual(self.sink.heard, [made, {"refs/remotes/origin/heads/main": tip}, {}])
        self.assertEqual(self.sink.changes, [(POOL, change) for change in (Change.CREATED, Change.MOVED, Change.REMOVED)])

    async def test_create_refused(self) -> None:
        """
        Origin and pool must be named, and the pool as pools are.
        """
        origin = named("a.git")
        for request, text in [
            (pb.CreateObjectPoolRequest(object_pool=pool()), "no origin repository"),
            (pb.CreateObjectPoolRequest(origin=origin), "no object pool repository"),
            (pb.CreateObjectPoolRequest(origin=origin, object_pool=UNNAMED), "no object pool repository"),
            (pb.CreateObjectPoolRequest(origin=origin, object_pool=pool(named("x"))), "invalid object pool directory"),
        ]:
            self.assertEqual(await self.refusal(self.service.CreateObjectPool(None, request)), (Code.INVALID_ARGUMENT, text))

    async def test_delete_refused(self) -> None:
        """
        A pool must be named.
        """
        for request in (pb.DeleteObjectPoolRequest(), pb.DeleteObjectPoolRequest(object_pool=UNNAMED)):
            refused = await self.refusal(self.service.DeleteObjectPool(None, request))
            self.assertEqual(refused, (Code.INVALID_ARGUMENT, "repository not set"))

    async def test_link_refused(self) -> None:
        """
        Both must be named; the repository must be there, and the pool.
        """
        await self.make("a.git")
        there, gone = named("a.git"), named("b.git")
        unset = (Code.INVALID_ARGUMENT, "repository not set")
        for request, expected in [
            (pb.LinkRepositoryToObjectPoolRequest(object_pool=pool()), unset),
            (pb.LinkRepositoryToObjectPoolRequest(repository=there), unset),
            (pb.LinkRepositoryToObjectPoolRequest(repository=gone, object_pool=pool()), (Code.NOT_FOUND, "repository not found")),
            (
                pb.LinkRepositoryToObjectPoolRequest(repository=there, object_pool=pool()),
                (Code.FAILED_PRECONDITION, "object pool is not a valid git repository"),
            ),
        ]:
            self.assertEqual(await self.refusal(self.service.LinkRepositoryToObjectPool(None, request)), expected)
        for nobody, expected in ((None, unset), (gone, (Code.NOT_FOUND, "repository not found"))):
            disconnecting = self.service.DisconnectGitAlternates(None, pb.DisconnectGitAlternatesRequest(repository=nobody))
            self.assertEqual(await self.refusal(disconnecting), expected)

    async def test_fetch_refused(self) -> None:
        """
        Both must be named, in the same storage, and be there.
        """
        origin = named("a.git")
        bad = Code.INVALID_ARGUMENT
        for request, expected in [
            (pb.FetchIntoObjectPoolRequest(object_pool=pool()), (bad, "origin is empty")),
            (pb.FetchIntoObjectPoolRequest(origin=origin), (bad, "object pool is empty")),
            (
                pb.FetchIntoObjectPoolRequest(origin=origin, object_pool=UNNAMED),
                (bad, "origin has different storage than object pool"),
            ),
            (
                pb.FetchIntoObjectPoolRequest(origin=origin, object_pool=pool(other(POOL))),
                (bad, "origin has different storage than object pool"),
            ),
            (
                pb.FetchIntoObjectPoolRequest(origin=origin, object_pool=pool(named("x"))),
                (bad, "object pool invalid: invalid object pool directory"),
            ),
            (
                pb.FetchIntoObjectPoolRequest(origin=origin, object_pool=pool()),
                (Code.FAILED_PRECONDITION, "object pool invalid: object pool is not a valid git repository"),
            ),
        ]:
            self.assertEqual(await self.refusal(self.service.FetchIntoObjectPool(None, request)), expected)
        await self.make("b.git")
        await self.make_pool("b.git")
        request = pb.FetchIntoObjectPoolRequest(origin=origin, object_pool=pool())
        expected = (Code.NOT_FOUND, "computing origin repo's path: repository not found")
        self.assertEqual(await self.refusal(self.service.FetchIntoObjectPool(None, request)), expected)
