"""
Tests for :mod:`gitaly_tx.services.blob.listing` and what it finds and reads.
"""

from __future__ import annotations

import os
from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.rpc.chunks import REPLY
from gitaly_tx.services.blob import listing
from tests.services.blob.case import LARGE, POINTER, BlobCase
from tests.support.git import git
from tests.support.readcase import RELATIVE_PATH


class ListBlobsTests(BlobCase):
    """
    ``ListBlobs``
    """

    async def listed(self, *revisions: str, **fields: Any) -> list[tuple[str, bytes]]:
        found = await self.blobs("ListBlobs", revisions=revisions, **fields)
        return [(blob.oid, blob.path) for blob in found]

    async def test_walk(self):
        """
        Blobs come in the order of the walk, each once, and only with paths if they are wanted.
        """
        expected = [(self.empty, b""), (self.large, b""), (self.pointer, b""), (self.small, b"")]
        self.assertEqual(sorted(await self.listed("main")), sorted(expected))
        self.assertEqual(await self.listed("main", "^main~1"), [(self.small, b"")])
        self.assertEqual(await self.listed("main", "--not", "main~1", with_paths=True), [(self.small, b"link")])
        self.assertEqual(await self.listed("main", "--not", "--all"), [])
        self.assertEqual(
            await self.listed(self.inner, with_paths=True),
            [(self.empty, b"empty"), (self.large, b"large"), (self.pointer, b"pointer")],
        )

    async def test_provided(self):
        """
        Blobs may be named themselves; a path-scoped one is told with its path.
        """
        self.assertEqual(await self.listed(self.small, self.empty, with_paths=True), [(self.small, b""), (self.empty, b"")])
        self.assertEqual(await self.listed("main:dir/empty", with_paths=True), [(self.empty, b"dir/empty")])

    async def test_sizes(self):
        """
        Without content a blob is one item, with its size.
        """
        (reply,) = await self.replies(self.call("ListBlobs", revisions=[self.large, self.small, self.empty]))
        self.assertEqual([(blob.size, blob.data) for blob in reply.blobs], [(LARGE + 1, b""), (5, b""), (0, b"")])

    async def test_contents(self):
        """
        Content comes up to the limit; a large one takes several items and messages, of which only the first says what it is.
        """
        found = await self.blobs("ListBlobs", revisions=[self.small, self.empty, self.pointer], bytes_limit=3)
        self.assertEqual([(blob.size, blob.data) for blob in found], [(5, b"sma"), (0, b""), (len(POINTER), b"ver")])
        replies = await self.replies(self.call("ListBlobs", revisions=["main:dir/large"], bytes_limit=-1, with_paths=True))
        self.assertGreater(len(replies), 2)
        self.assertLess(max(reply.ByteSize() for reply in replies), REPLY + 1000)
        items = [blob for reply in replies for blob in reply.blobs]
        self.assertEqual((items[0].oid, items[0].size), (self.large, LARGE + 1))
        self.assertEqual({(blob.oid, blob.size, blob.path) for blob in items[1:]}, {("", 0, b"dir/large")})
        self.assertEqual(sum(len(blob.data) for blob in items), LARGE + 1)
        await self.no_children()

    async def test_limit(self):
        """
        A limit counts blobs, whatever number of items they take, and ends the walk.
        """
        found = await self.blobs("ListBlobs", revisions=[self.large, self.small, self.empty], limit=2, bytes_limit=-1)
        self.assertEqual([blob.oid for blob in found if blob.oid], [self.large, self.small])
        await self.no_children()

    async def test_many(self):
        """
        More blobs than are looked at in one turn.
        """
        self.patch(listing, "_SIZES", 3)
        self.patch(listing, "_TOGETHER", 2)
        oids = [self.write("blob", b"%d" % number) for number in range(8)]
        for limit in (0, 5):
            for fields in ({}, {"bytes_limit": -1}):
                found = await self.blobs("ListBlobs", revisions=oids, limit=limit, **fields)
                self.assertEqual([blob.oid for blob in found], oids[: limit or None])

    async def test_refused(self):
        """
        Revisions are needed, well-formed (fault 42), and there.
        """
        for revisions, text in [
            ([], "missing revisions"),
            (["--foobar"], "invalid revision: revision can't start with '-'"),
            (["--glob"], "invalid revision: revision can't start with '-'"),
            (["a b:c"], "invalid revision: revision can't contain whitespace"),
            ([":x"], "invalid revision: empty revision"),
        ]:
            refused = await self.refusal(self.call("ListBlobs", revisions=revisions))
            self.assertEqual(refused, (Code.INVALID_ARGUMENT, text))
        code, text = await self.refusal(self.call("ListBlobs", revisions=["1" * 40]))
        self.assertEqual(code, Code.INTERNAL)
        self.assertTrue(
            text.startswith('processing blobs: rev-list pipeline command: exit status 128, stderr: "fatal: bad object ')
        )

    async def test_gone(self):
        """
        A blob that is gone before it could be read is an error.
        """

        async def nothing(*arguments: object) -> list[None]:
            return [None]

        self.patch(listing, "_look", nothing)
        refused = await self.refusal(self.call("ListBlobs", revisions=[self.small]))
        self.assertEqual(refused[1], "processing blobs: reading object: object not found")
        await self.no_children()

    async def test_injection(self):
        """
        A line break in a path is part of the path.
        """
        text = await self.refusal(self.call("ListBlobs", revisions=["main:x\n--all"]))
        self.assertIn("exit status 128", text[1])

    async def test_stopped(self):
        """
        Whoever goes away leaves no child behind.
        """
        await self.stop_after_first(self.call("ListBlobs", revisions=["main:dir"], bytes_limit=-1))


class ListAllBlobsTests(BlobCase):
    """
    ``ListAllBlobs``
    """

    async def test_all(self):
        """
        All blobs are listed, whether anything refers to them or not.
        """
        dangling = self.write("blob", b"dangling")
        found = await self.blobs("ListAllBlobs", bytes_limit=2)
        self.assertEqual(
            {(blob.oid, blob.size, blob.data) for blob in found},
            {
                (dangling, 8, b"da"),
                (self.small, 5, b"sm"),
                (self.empty, 0, b""),
                (self.large, LARGE + 1, b"la"),
                (self.pointer, len(POINTER), b"ve"),
            },
        )
        self.assertEqual(len(await self.blobs("ListAllBlobs", limit=2)), 2)
        found = await self.blobs("ListAllBlobs", bytes_limit=-1)
        self.assertEqual(sum(len(blob.data) for blob in found), LARGE + 1 + 8 + 5 + len(POINTER))
        await self.no_children()

    async def test_quarantine(self):
        """
        Of a quarantine without alternates, only the new objects are listed.
        """
        quarantine = os.path.abspath(self.mktemp())
        os.makedirs(quarantine)
        new = (
            git("-C", self.directory.path, "hash-object", "-w", "--stdin", stdin=b"new", GIT_OBJECT_DIRECTORY=quarantine)
            .decode()
            .strip()
        )
        directory = GitDirectory(self.directory.path, quarantine)
        self.storage.repositories[RELATIVE_PATH] = self.reading.repository(directory)
        (blob,) = await self.blobs("ListAllBlobs", bytes_limit=-1)
        self.assertEqual((blob.oid, blob.data), (new, b"new"))

    async def test_broken(self):
        """
        An object database that git cannot list is an error.
        """
        with open(f"{self.directory.path}/config", "a", encoding="ascii") as file:
            file.write("[broken\n")
        refused = await self.refusal(self.call("ListAllBlobs"))
        self.assertEqual(refused, (Code.INTERNAL, "processing blobs: cat-file: exit status 128"))
