"""
Tests for ReplicateRepository.
"""

from __future__ import annotations

import os
from typing import Any

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.hooks.interfaces import Change
from protocols.gitaly import repository_pb2 as pb
from protocols.gitaly.objectpool_pb2 import CreateObjectPoolRequest, LinkRepositoryToObjectPoolRequest
from protocols.gitaly.shared_pb2 import ObjectPool, Repository
from tests.support.outwardcase import NEW, OutwardCase
from tests.support.writecase import NAME

FAR = Repository(storage_name="far", relative_path="far.git")
POOLS_TOO = b"\x18\x01"
"""The field of older clients that asks for pools, as it is on the wire."""

DIGEST = "4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce"
POOL = f"@pools/{DIGEST[:2]}/{DIGEST[2:4]}/{DIGEST}.git"


class ReplicateRepositoryTests(OutwardCase):
    """
    ``ReplicateRepository``
    """

    def call(self, more: bytes = b"", **fields: Any) -> Any:
        fields.setdefault("repository", NEW)
        fields.setdefault("source", FAR)
        request = pb.ReplicateRepositoryRequest(**fields)
        request.MergeFromString(more)
        return self.service.ReplicateRepository(None, request)  # type: ignore[arg-type]

    def write(self, path: str, content: bytes, base: str | None = None) -> None:
        """
        Put a file into the source.
        """
        target = os.path.join(base or self.far, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(content)

    def read(self, path: str, base: str | None = None) -> bytes:
        with open(os.path.join(base or self.new, path), "rb") as file:
            return file.read()

    def assert_equal_to_source(self, path: str) -> None:
        self.assertEqual((self.refs(path), self.head(path)), (self.refs(self.far), self.head(self.far)))
        for name in ("config", "info/attributes", "custom_hooks/update"):
            self.assertEqual(self.read(name, path), self.read(name, self.far))
        self.run_git("fsck", path=path)
        self.assertEqual(self.left(), [])

    def furnish(self) -> None:
        """
        Let the source have something of everything.
        """
        for name in ("refs/heads/other", "refs/tags/t", "refs/keep-around/x", "refs/remotes/r/x", "refs/tmp/1"):
            self.far_ref(name, "main~1")
        self.run_git("symbolic-ref", "HEAD", "refs/heads/other", path=self.far)
        self.run_git("config", "gitaly.x", "1", path=self.far)
        self.write("info/attributes", b"*.x -diff\n")
        self.write("custom_hooks/update", b"#!/bin/sh\n")

    async def test_made(self) -> None:
        """
        A repository that does not exist is made, with everything that its source has, also what nothing refers to.
        """
        self.furnish()
        lonely = self.run_git("hash-object", "-w", "--stdin", stdin=b"lonely", path=self.far)
        await self.call()
        self.assert_equal_to_source(self.new)
        self.assertEqual(self.run_git("cat-file", "blob", lonely, path=self.new), "lonely")
        self.assertEqual(self.sink.heard, [{**self.refs(self.new), "HEAD": "refs/heads/other"}])
        self.assertEqual(self.sink.changes, [("new.git", Change.CREATED)])

    async def test_updated(self) -> None:
        """
        One that exists becomes equal to it, and loses what it had of its own; a second time nothing changes.
        """
        self.furnish()
        own = self.run_git("commit-tree", self.rev("main^{tree}"), stdin=b"own")
        for name in ("refs/heads/main", "refs/heads/mine", "refs/keep-around/mine"):
            self.run_git("update-ref", name, own)
        self.write("custom_hooks/pre-receive", b"#!", self.directory.path)
        for _ in range(2):
            await self.call(repository=NAME)
            self.assert_equal_to_source(self.directory.path)
            self.assertFalse(os.path.exists(os.path.join(self.directory.path, "custom_hooks/pre-receive")))
        gone = dict.fromkeys(("refs/heads/mine", "refs/keep-around/mine"), "0" * 40)
        self.assertEqual(self.sink.heard, [{**self.refs(), **gone, "HEAD": "refs/heads/other"}])
        self.assertEqual(self.sink.changes, [("thing.git", Change.MOVED)])

    async def test_sidechannels(self) -> None:
        """
        A server that is fetched from over sidechannels only gives all its refs, hidden ones too.
        """
        self.peers.aside = True
        self.furnish()
        await self.call(repository=NAME)
        self.assert_equal_to_source(self.directory.path)

    async def test_something_else_in_the_way(self) -> None:
        """
        What is at the place of the repository, and is none, goes.
        """
        os.mkdir(self.new)
        with open(os.path.join(self.new, "x"), "xb"):
            pass
        self.furnish()
        await self.call()
        self.assert_equal_to_source(self.new)

    async def test_long_ids(self) -> None:
        """
        A new repository names its objects as its source does; one that names them otherwise stays as it is.
        """
        far = self.make("far256.git", 2, object_format="sha256")
        source = Repository(storage_name="far", relative_path="far256.git")
        await self.call(source=source)
        self.assertEqual(self.refs(self.new), self.refs(far))
        before = self.read("config", self.directory.path)
        refused = await self.refusal(self.call(source=source, repository=NAME))
        text = "replicating repository: synchronizing gitconfig: repositories have different formats"
        self.assertEqual(refused, (Code.FAILED_PRECONDITION, text))
        self.assertEqual(self.read("config", self.directory.path), before)

    async def link(self, path: str, pool: str = POOL) -> None:
        """
        Let a repository have a pool.
        """
        service = self.peers.services["ObjectPoolService"]
        named = Repository(storage_name="default", relative_path=path)
        wanted = ObjectPool(repository=Repository(storage_name="default", relative_path=pool))
        if not os.path.exists(os.path.join(self.root, pool)):
            await service.CreateObjectPool(None, CreateObjectPoolRequest(object_pool=wanted, origin=named))
        request = LinkRepositoryToObjectPoolRequest(object_pool=wanted, repository=named)
        await service.LinkRepositoryToObjectPool(None, request)

    def borrows(self, path: str) -> bool:
        return os.path.exists(os.path.join(path, "objects/info/alternates"))

    async def test_pools(self) -> None:
        """
        If older clients ask for it, both have the same pool afterwards, or none.
        """
        await self.link("far.git")
        await self.call()
        self.assertFalse(self.borrows(self.new))
        await self.call(POOLS_TOO)
        self.assertTrue(self.borrows(self.new))
        await self.call(POOLS_TOO)
        self.run_git("fsck", path=self.new)
        await self.call(POOLS_TOO, source=Repository(storage_name="far", relative_path="thing.git"))
        self.assertFalse(self.borrows(self.new))
        self.run_git("fsck", path=self.new)

    async def test_other_pool(self) -> None:
        """
        A repository that has another pool keeps it.
        """
        await self.link("far.git")
        other = POOL.replace(DIGEST, "4e07" + "0" * 60)
        await self.link("thing.git", other)
        text = "replicating repository: synchronizing object pools: target repository links to different object pool"
        refused = await self.refusal(self.call(POOLS_TOO, repository=NAME))
        self.assertEqual(refused, (Code.FAILED_PRECONDITION, text))

    async def test_bad_requests(self) -> None:
        """
        Names are checked, then where the source is, and whether it exists.
        """
        invalid = Code.INVALID_ARGUMENT
        none = Repository(storage_name="far", relative_path="none.git")
        for fields, code, text in (
            ({"repository": None}, invalid, "repository not set"),
            ({"source": None}, invalid, "source repository cannot be empty"),
            ({"source": NAME}, invalid, "repository and source have the same storage"),
            ({"source": Repository(storage_name="x", relative_path="a")}, Code.INTERNAL, "new client: storage name not found"),
            ({"source": none}, Code.NOT_FOUND, "invalid source repository"),
            ({"source": none, "repository": NAME}, Code.NOT_FOUND, "invalid source repository"),
        ):
            given: Any = fields
            self.assertEqual(await self.refusal(self.call(**given)), (code, text))
        self.peers.error = GitalyError("empty gitaly-servers metadata")
        self.assertEqual(await self.refusal(self.call()), (Code.INTERNAL, "new client: empty gitaly-servers metadata"))
        self.assert_nothing()

    async def test_too_large(self) -> None:
        """
        Nobody has attributes of that size.
        """
        self.write("info/attributes", b"# x\n" * (1 << 19))
        code, text = await self.refusal(self.call())
        self.assertEqual((code, text[:50]), (Code.RESOURCE_EXHAUSTED, "replicating repository: synchronizing gitattribute"))
