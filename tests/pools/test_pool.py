"""
Tests for gitaly_tx.pools.pool.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred, DeferredList

from gitaly_tx.errors import Code
from gitaly_tx.pools.link import link
from gitaly_tx.pools.pool import create_pool, delete_pool, find_pool
from protocols.gitaly.shared_pb2 import Repository
from tests.contracts.storageprovider import named
from tests.support.awaiting import begin

from .poolcase import POOL, PoolCase, other


class CreateTests(PoolCase):
    """
    ``create_pool``
    """

    async def test_create(self) -> None:
        """
        A pool has branches, tags, HEAD and all objects of its origin, and no other refs; the origin is not linked.
        """
        await self.make("a.git")
        for words in (("branch", "side"), ("tag", "v1"), ("update-ref", "refs/keep-around/x", "main"), ("repack", "-q", "-d")):
            self.git("a.git", *words)
        self.git("a.git", "symbolic-ref", "HEAD", "refs/heads/side")
        loose = self.commit("a.git")
        pool = await self.make_pool("a.git")
        refs = [ref.name for ref in await pool.refs()]
        self.assertEqual(refs, [b"refs/heads/main", b"refs/heads/side", b"refs/tags/v1"])
        self.assertEqual(await pool.head(), b"refs/heads/side")
        self.git(POOL, "fsck", "--strict")
        self.git(POOL, "cat-file", "-e", loose)
        self.assertIsNone(self.alternates("a.git"))
        self.assertEqual(os.stat(self.path("a.git/objects/pack")).st_nlink, os.stat(self.path(f"{POOL}/objects/pack")).st_nlink)
        self.assertEqual((self.littered(), self.stack.alive), ([], 0))

    async def test_of_a_member(self) -> None:
        """
        A pool of a repository that borrows has what that borrows, and does not borrow itself.
        """
        await self.make("a.git")
        pool = await self.make_pool("a.git")
        await link(self.stack.threads, await self.found("a.git"), pool)
        self.git("a.git", "repack", "-a", "-d", "-l", "-q")
        second = POOL.replace("abcd", "cdef").replace("ab/cd", "cd/ef")
        await self.make_pool("a.git", second)
        await self.stack.provider.remove(named(POOL))
        self.assertIsNone(self.alternates(second))
        self.git(second, "fsck", "--strict")

    async def test_empty(self) -> None:
        """
        An empty repository can be an origin, and the pool has its object format and HEAD; so can one with a detached HEAD.
        """
        await self.make("a.git", 0, object_format="sha256")
        self.git("a.git", "symbolic-ref", "HEAD", "refs/heads/trunk")
        pool = await self.make_pool("a.git")
        self.assertEqual(((await pool.head()), pool.object_format.value), (b"refs/heads/trunk", "sha256"))
        await self.stack.provider.remove(named(POOL))
        await self.make("b.git", 1)
        self.git("b.git", "update-ref", "--no-deref", "HEAD", "main")
        self.assertEqual(await (await self.make_pool("b.git")).head(), b"refs/heads/main")

    async def test_refused(self) -> None:
        """
        A path that no pool has, one where there is something, and an origin that is not there are refused; nothing is made.
        """
        provider, threads = self.stack.provider, self.stack.threads
        await self.make("a.git")
        for path in ("a", "@pools/ab/cd.git", f"{POOL}/..", POOL.upper(), "../x"):
            expected = (Code.INVALID_ARGUMENT, "invalid object pool directory")
            self.assertEqual(
                await self.refusal(create_pool(provider, threads, provider.create, named(path), named("a.git"))), expected
            )
        expected = (Code.NOT_FOUND, "creating object pool: getting source repository path: repository not found")
        self.assertEqual(
            await self.refusal(create_pool(provider, threads, provider.create, named(POOL), named("b.git"))), expected
        )
        expected = (Code.INVALID_ARGUMENT, "creating object pool: storage name not found")
        unknown = Repository(storage_name="nope", relative_path=POOL)
        self.assertEqual(await self.refusal(create_pool(provider, threads, provider.create, unknown, named("a.git"))), expected)
        self.assertFalse(os.path.exists(self.path("@pools")))
        there = (Code.FAILED_PRECONDITION, "creating object pool: repository exists already")
        os.makedirs(self.path(POOL))
        self.assertEqual(await self.refusal(self.make_pool("a.git")), there)
        os.rmdir(self.path(POOL))
        with open(self.path(POOL), "w"):
            pass
        self.assertEqual(await self.refusal(self.make_pool("a.git")), there)
        os.unlink(self.path(POOL))
        await self.make_pool("a.git")
        self.assertEqual(await self.refusal(self.make_pool("a.git")), there)

    async def test_at_once(self) -> None:
        """
        Of several who make the same pool one does.
        """
        await self.make("a.git")
        asked: list[Deferred[Any]] = [begin(self.make_pool("a.git")) for _ in range(3)]
        results = await DeferredList(asked, consumeErrors=True)
        failures = [result.value for success, result in results if not success]
        self.assertEqual(len(failures), 2)
        for error in failures:
            expected = (Code.FAILED_PRECONDITION, "creating object pool: repository exists already")
            self.assertEqual((error.code, error.message), expected)
        self.assertEqual((self.littered(), self.stack.alive), ([], 0))

    async def test_broken_origin(self) -> None:
        """
        An origin whose config cannot be read, or that cannot be read at all, makes no pool.
        """
        await self.make("a.git")
        with open(self.path("a.git/config"), "w") as file:
            file.write("[core]\nrepositoryformatversion = 1\n[extensions]\nobjectFormat = blake2b\n")
        await self.refusal(self.make_pool("a.git"))
        self.assertFalse(os.path.exists(self.path("@pools")))
        self.assertEqual((self.littered(), self.stack.alive), ([], 0))


class DeleteTests(PoolCase):
    """
    ``delete_pool`` and ``find_pool``
    """

    async def test_delete(self) -> None:
        """
        A pool is removed; one that is not there is no error, and neither is a directory at its path.
        """
        provider = self.stack.provider
        await self.make("a.git")
        await self.make_pool("a.git")
        self.assertEqual((await find_pool(provider, named(POOL))).partition.path, POOL)
        for _ in range(2):
            await delete_pool(provider, provider.remove, named(POOL))
            self.assertFalse(os.path.exists(self.path(POOL)))
        os.makedirs(self.path(f"{POOL}/x"))
        await delete_pool(provider, provider.remove, named(POOL))
        self.assertTrue(os.path.exists(self.path(f"{POOL}/x")))
        expected = (Code.FAILED_PRECONDITION, "object pool is not a valid git repository")
        self.assertEqual(await self.refusal(find_pool(provider, named(POOL))), expected)

    async def test_at_once(self) -> None:
        """
        Several who remove the same pool have no trouble.
        """
        await self.make("a.git")
        await self.make_pool("a.git")
        asked: list[Deferred[Any]] = [
            begin(delete_pool(self.stack.provider, self.stack.provider.remove, named(POOL))) for _ in range(3)
        ]
        await DeferredList(asked, fireOnOneErrback=True)

    async def test_refused(self) -> None:
        """
        Nothing but a pool is removed.
        """
        await self.make("a.git")
        for message, text in [
            (None, "repository not set"),
            (Repository(), "repository not set"),
            (Repository(storage_name="nope", relative_path=POOL), "storage name not found"),
            (named("../a.git"), "relative path escapes root directory"),
            (named("a.git"), "invalid object pool directory"),
            (named("."), "invalid object pool directory"),
            (named("@pools"), "invalid object pool directory"),
            (named(f"{POOL}/objects"), "invalid object pool directory"),
            (named(POOL, git_object_directory="../x"), "not a valid relative path: relative path escapes root directory"),
        ]:
            if message is not None and message.git_object_directory:
                await self.make_pool("a.git")
            self.assertEqual(
                await self.refusal(delete_pool(self.stack.provider, self.stack.provider.remove, message)),
                (Code.INVALID_ARGUMENT, text),
            )
        self.assertTrue(os.path.exists(self.path("a.git")))

    async def test_other_storage(self) -> None:
        """
        A pool is looked for in the storage that is named.
        """
        await self.make("a.git")
        await self.make_pool("a.git")
        await delete_pool(self.stack.provider, self.stack.provider.remove, other(POOL))
        self.assertTrue(os.path.exists(self.path(POOL)))
