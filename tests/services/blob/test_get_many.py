"""
Tests for :mod:`gitaly_tx.services.blob.get_many`.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.errors import Code
from protocols.gitaly.blob_pb2 import GetBlobsRequest, GetBlobsResponse
from protocols.gitaly.shared_pb2 import BLOB, COMMIT, TREE
from tests.services.blob.case import LARGE, SUBMODULE, BlobCase


def asked(*paths: str, revision: str = "main") -> list[GetBlobsRequest.RevisionPath]:
    """
    Paths of one revision.
    """
    return [GetBlobsRequest.RevisionPath(revision=revision, path=path.encode()) for path in paths]


class GetBlobsTests(BlobCase):
    """
    ``GetBlobs``
    """

    async def test_kinds(self):
        """
        Files, links, directories and submodules each say what they are, in the order of the request.
        """
        replies = await self.replies(self.call("GetBlobs", revision_paths=asked("small", "link", "dir", "module"), limit=-1))
        common: Any = {"revision": "main", "oid": self.small, "size": 5, "data": b"small", "type": BLOB}
        self.assertEqual(
            replies,
            [
                GetBlobsResponse(path=b"small", mode=0o100644, **common),
                GetBlobsResponse(path=b"link", mode=0o120000, **common),
                GetBlobsResponse(
                    revision="main",
                    path=b"dir",
                    oid=self.inner,
                    mode=0o040000,
                    type=TREE,
                    size=int(self.run_git("cat-file", "-s", self.inner)),
                ),
                GetBlobsResponse(revision="main", path=b"module", oid=SUBMODULE, mode=0o160000, type=COMMIT, is_submodule=True),
            ],
        )
        self.assertEqual(self.started, [])

    async def test_limits(self):
        """
        A limit counts for each blob by itself.
        """
        for limit, expected in [(0, [b"", b""]), (3, [b"sma", b"sma"]), (-1, [b"small", b"small"])]:
            replies = await self.replies(self.call("GetBlobs", revision_paths=asked("small", "link"), limit=limit))
            self.assertEqual([reply.data for reply in replies], expected)

    async def test_large(self):
        """
        The rest of a large blob comes in messages with nothing but data.
        """
        replies = await self.replies(self.call("GetBlobs", revision_paths=asked("dir/large", "dir/empty"), limit=-1))
        self.assertEqual((replies[0].path, replies[0].size), (b"dir/large", LARGE + 1))
        self.assertTrue(all(reply == GetBlobsResponse(data=reply.data) for reply in replies[1:-1]))
        self.assertEqual(sum(len(reply.data) for reply in replies), LARGE + 1)
        self.assertEqual((replies[-1].path, replies[-1].oid, replies[-1].size), (b"dir/empty", self.empty, 0))
        await self.no_children()

    async def test_not_found(self):
        """
        What is not there is answered with its revision and path alone.
        """
        for path in ("", "/", ".", "./small", "nope", "dir/../small", "/small", "dir//empty", "small/x", "module/x", "dir/nope"):
            reply = await self.reply(self.call("GetBlobs", revision_paths=asked(path), limit=-1))
            self.assertEqual(reply, GetBlobsResponse(revision="main", path=path.encode()), path)
        for revision in ("nope", "1" * 40, self.small):
            reply = await self.reply(self.call("GetBlobs", revision_paths=asked("small", revision=revision), limit=-1))
            self.assertEqual(reply, GetBlobsResponse(revision=revision, path=b"small"))

    async def test_slashes(self):
        """
        Slashes at the end do not count.
        """
        for path, oid in [("dir/", self.inner), ("dir//", self.inner), ("small/", self.small)]:
            reply = await self.reply(self.call("GetBlobs", revision_paths=asked(path)))
            self.assertEqual((reply.path, reply.oid), (path.rstrip("/").encode(), oid))
        reply = await self.reply(self.call("GetBlobs", revision_paths=asked("//")))
        self.assertEqual(reply, GetBlobsResponse(revision="main"))

    async def test_refused(self):
        """
        Something must be asked for, of well-formed revisions; one bad one is enough.
        """
        refused = await self.refusal(self.call("GetBlobs"))
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "empty RevisionPaths"))
        for revision, text in [
            ("", "empty revision"),
            ("main:dir", "revision can't contain ':'"),
            ("--output=x", "revision can't start with '-'"),
        ]:
            paths = [*asked("small"), *asked("small", revision=revision)]
            self.assertEqual(await self.refusal(self.call("GetBlobs", revision_paths=paths)), (Code.INVALID_ARGUMENT, text))

    async def test_missing(self):
        """
        A file whose content is missing is an error.
        """
        root = self.tree(("100644", "blob", "1" * 40, "lost"))
        refused = await self.refusal(self.call("GetBlobs", revision_paths=asked("lost", revision=root)))
        self.assertEqual(refused[1], "reading object: object not found")


class Sha256Tests(BlobCase):
    """
    A repository with the other kind of ids.
    """

    object_format = "sha256"

    async def test_blob(self):
        """
        Ids are longer, and that is all.
        """
        reply = await self.reply(self.call("GetBlobs", revision_paths=asked("small"), limit=-1))
        self.assertEqual((reply.oid, reply.data), (self.small, b"small"))
