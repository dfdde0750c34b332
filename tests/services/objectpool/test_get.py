"""
Tests for ObjectPoolService: GetObjectPool.
"""

from __future__ import annotations

import os
from typing import Any

from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code
from gitaly_tx.rpc.interfaces import IMethods
from gitaly_tx.services.objectpool.service import ObjectPoolService
from gitaly_tx.storage.interfaces import StorageInfo
from protocols.gitaly.objectpool_pb2 import GetObjectPoolRequest, GetObjectPoolResponse
from protocols.gitaly.shared_pb2 import ObjectPool, Repository
from tests.support.git import make_git, make_repository
from tests.support.readcase import NAME, ReadCase

UNUSED: Any = None

POOL = f"@pools/ab/cd/abcd{'0' * 60}.git"


class GetObjectPoolTests(ReadCase):
    """
    ``GetObjectPool``
    """

    def fill(self) -> None:
        self.root = os.path.dirname(self.directory.path)
        self.storage.storages = {"default": StorageInfo("default", self.root, "")}
        self.service = ObjectPoolService(make_git(), self.storage, self.reading.threads, UNUSED, UNUSED)

    def alternates(self, content: str) -> None:
        """
        Write the file that says where objects are borrowed from.
        """
        with open(os.path.join(self.directory.objects, "info", "alternates"), "w") as file:
            file.write(content)

    async def pool(self) -> GetObjectPoolResponse:
        reply: GetObjectPoolResponse = await self.reply(self.service.GetObjectPool(None, GetObjectPoolRequest(repository=NAME)))  # type: ignore[arg-type]
        return reply

    async def test_pool(self) -> None:
        """
        The pool is named by storage and path, whether the alternate is relative or absolute.
        """
        directory = make_repository(os.path.join(self.root, POOL))
        self.storage.repositories[POOL] = self.reading.repository(directory)
        expected = GetObjectPoolResponse(
            object_pool=ObjectPool(repository=Repository(storage_name="default", relative_path=POOL))
        )
        for line in (os.path.relpath(directory.objects, self.directory.objects), directory.objects):
            self.alternates(f"{line}\n/another\n")
            self.assertEqual(await self.pool(), expected)

    async def test_none(self) -> None:
        """
        Without a pool the answer is empty: no alternates, a comment, a path outside, none of a pool, or one that is gone.
        """
        self.assertEqual(await self.pool(), GetObjectPoolResponse())
        for content in ("", "\n", f"# ../../{POOL}/objects\n", "/outside/objects\n", "../../a.git/objects\n", "\0\n"):
            self.alternates(content)
            self.assertEqual(await self.pool(), GetObjectPoolResponse(), content)
        self.alternates(os.path.relpath(os.path.join(self.root, POOL, "objects"), self.directory.objects))
        self.assertEqual(await self.pool(), GetObjectPoolResponse())

    async def test_repository(self) -> None:
        """
        The repository must be named and be there.
        """
        verifyObject(IMethods, self.service)
        service = self.service.GetObjectPool
        refused = await self.refusal(service(None, GetObjectPoolRequest()))  # type: ignore[arg-type]
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "repository not set"))
