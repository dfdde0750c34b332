"""
Repositories and a pool in a storage with real git.
"""

from __future__ import annotations

import os
from posixpath import join
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.pools.pool import create_pool
from gitaly_tx.storage.interfaces import IRepository
from protocols.gitaly.shared_pb2 import Repository
from tests.contracts.storageprovider import named
from tests.support.awaiting import begin
from tests.support.git import git, make_repository
from tests.support.stack import Stack

POOL = f"@pools/ab/cd/abcd{'0' * 60}.git"

AUTHOR = ("-c", "user.name=A", "-c", "user.email=a@example.org")


class PoolCase(TestCase):
    """
    Has a storage and, from :meth:`make_member` on, repositories and pools in it.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        self.root = os.path.abspath(self.mktemp())
        self.stack = Stack(self.root, ["default", "other"])
        await self.stack.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.stack.stop()))

    def path(self, name: str) -> str:
        """
        A repository's directory.
        """
        return join(self.stack.storages[0].path, name)

    def git(self, name: str, *words: str, **more: Any) -> bytes:
        """
        Ask git about a repository.
        """
        return git("-C", self.path(name), *words, **more)

    def commit(self, name: str, message: str = "m") -> str:
        """
        Write a commit on top of main.
        """
        parent = self.git(name, "rev-parse", "main").decode().strip()
        tree = self.git(name, "rev-parse", "main^{tree}").decode().strip()
        return self.git(name, *AUTHOR, "commit-tree", tree, "-p", parent, "-m", message).decode().strip()

    async def make(self, name: str, commits: int = 3, **more: Any) -> IRepository:
        """
        A repository that git made.
        """
        make_repository(self.path(name), commits, **more)
        return await self.found(name)

    async def found(self, name: str) -> IRepository:
        """
        A repository.
        """
        return await self.stack.provider.repository(named(name))

    async def make_pool(self, origin: str, path: str = POOL) -> IRepository:
        """
        A pool of a repository.
        """
        return await create_pool(self.stack.provider, self.stack.threads, self.stack.provider.create, named(path), named(origin))

    async def refusal(self, asked: Any) -> tuple[Code, str]:
        """
        How something is refused.
        """
        error = await self.assertFailure(begin(asked), GitalyError)
        return error.code, error.message

    def alternates(self, name: str) -> bytes | None:
        """
        What the file says.
        """
        try:
            with open(self.path(f"{name}/objects/info/alternates"), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def littered(self) -> list[str]:
        """
        What is left where writes are prepared.
        """
        areas = ("staging", "intents", "wal/pending")
        return [name for area in areas for name in os.listdir(self.path(f"+gitaly/{area}"))]


def other(path: str) -> Repository:
    """
    A repository in the storage ``other``.
    """
    return Repository(storage_name="other", relative_path=path)
