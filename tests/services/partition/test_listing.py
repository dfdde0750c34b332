"""
Tests for PartitionService: ListPartitions.
"""

from __future__ import annotations

from typing import Any

from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code
from gitaly_tx.pools.disconnect import disconnect
from gitaly_tx.pools.link import link
from gitaly_tx.rpc.interfaces import IMethods
from gitaly_tx.services.partition.service import PartitionService
from protocols.gitaly import partition_pb2 as pb
from protocols.gitaly.shared_pb2 import PaginationParameter
from tests.pools.poolcase import PoolCase


class ListPartitionsTests(PoolCase):
    """
    ``ListPartitions``
    """

    async def setUp(self) -> None:  # type: ignore[override]
        await PoolCase.setUp(self)
        self.service: Any = PartitionService(self.stack.provider.storages, self.stack.threads)

    async def ask(self, storage: str = "default", **page: Any) -> tuple[list[str], str]:
        """
        The ids, and where to go on.
        """
        params = PaginationParameter(**page) if page else None
        reply = await self.service.ListPartitions(None, pb.ListPartitionsRequest(storage_name=storage, pagination_params=params))
        return [partition.id for partition in reply.partitions], reply.pagination_cursor.next_cursor

    async def test_all(self) -> None:
        """
        Each repository is one, by a number that stays the same; other storages have others.
        """
        verifyObject(IMethods, self.service)
        self.assertEqual(await self.ask(), ([], ""))
        for name in ("a.git", "team/b.git", "c.git"):
            await self.make(name, 1)
        ids, cursor = await self.ask()
        self.assertEqual((len(set(ids)), cursor), (3, ""))
        self.assertEqual(ids, sorted(ids, key=int))
        self.assertEqual(await self.ask(), (ids, ""))
        self.assertEqual(await self.ask("other"), ([], ""))

    async def test_pages(self) -> None:
        """
        A page is what comes after a number, with the last one for the next page if there is more.
        """
        for number in range(5):
            await self.make(f"{number}.git", 0)
        ids, _ = await self.ask()
        self.assertEqual(await self.ask(limit=2), (ids[:2], ids[1]))
        self.assertEqual(await self.ask(limit=2, page_token=ids[1]), (ids[2:4], ids[3]))
        self.assertEqual(await self.ask(limit=2, page_token=ids[3]), (ids[4:], ""))
        self.assertEqual(await self.ask(limit=5), (ids, ""))
        self.assertEqual(await self.ask(limit=-1, page_token=ids[0]), (ids[1:], ""))
        self.assertEqual(await self.ask(page_token=ids[0]), ([], ""))
        self.assertEqual(await self.ask(limit=9, page_token="9" * 20), ([], ""))

    async def test_pool(self) -> None:
        """
        A pool and its members are one partition as long as they are linked.
        """
        member = await self.make("a.git", 1)
        pool = await self.make_pool("a.git")
        apart, _ = await self.ask()
        await link(self.stack.threads, member, pool)
        together, _ = await self.ask()
        self.assertEqual((len(apart), len(together)), (2, 1))
        self.assertIn(together[0], apart)
        await disconnect(self.stack.git, self.stack.threads, member)
        self.assertEqual(await self.ask(), (apart, ""))

    async def test_refused(self) -> None:
        """
        A storage must be named, and known; a page token is a number.
        """
        for storage, text in (("", "storage name not set"), ("nope", "storage name not found")):
            self.assertEqual(await self.refusal(self.ask(storage)), (Code.INVALID_ARGUMENT, text))
        for token in ("x", "-1", "1" * 21, "\u0661", " 1"):
            self.assertEqual(await self.refusal(self.ask(page_token=token)), (Code.INVALID_ARGUMENT, "invalid page token"))
