"""
Tests for :mod:`gitaly_tx.services.blob.get`.
"""

from __future__ import annotations

from gitaly_tx.errors import Code
from gitaly_tx.rpc.chunks import CHUNK
from protocols.gitaly.blob_pb2 import GetBlobResponse
from tests.services.blob.case import LARGE, BlobCase


class GetBlobTests(BlobCase):
    """
    ``GetBlob``
    """

    async def test_limits(self):
        """
        A blob comes with as much content as is wanted; the size is always the whole one.
        """
        for limit, data in [(-1, b"small"), (0, b""), (2, b"sm"), (5, b"small"), (9, b"small")]:
            reply = await self.reply(self.call("GetBlob", oid=self.small, limit=limit))
            self.assertEqual(reply, GetBlobResponse(oid=self.small, size=5, data=data))
        self.assertEqual(self.started, [])

    async def test_empty(self):
        """
        An empty blob is one message.
        """
        for limit in (-1, 0, 1):
            reply = await self.reply(self.call("GetBlob", oid=self.empty, limit=limit))
            self.assertEqual(reply, GetBlobResponse(oid=self.empty))

    async def test_revisions(self):
        """
        Any revision will do; the answer has the full id.
        """
        for revision in ("main:small", "HEAD:small", "v1:small", self.small[:12], "main~0:small"):
            reply = await self.reply(self.call("GetBlob", oid=revision, limit=-1))
            self.assertEqual(reply, GetBlobResponse(oid=self.small, size=5, data=b"small"), revision)

    async def test_large(self):
        """
        A large blob comes in pieces that fit into messages, and only the first one says what it is.
        """
        replies = await self.replies(self.call("GetBlob", oid=self.large, limit=-1))
        self.assertEqual((replies[0].oid, replies[0].size), (self.large, LARGE + 1))
        self.assertTrue(all(not reply.oid and not reply.size and reply.data for reply in replies[1:]))
        self.assertLessEqual(max(len(reply.data) for reply in replies), CHUNK)
        data = b"".join(reply.data for reply in replies)
        self.assertEqual((len(data), data[:6], data[-2:]), (LARGE + 1, b"largel", b"e!"))
        self.assertEqual(self.started, ["cat-file"])
        await self.no_children()

    async def test_large_in_part(self):
        """
        Of a large blob no more is read than is wanted, and nothing runs on.
        """
        (reply,) = await self.replies(self.call("GetBlob", oid=self.large, limit=7))
        self.assertEqual((reply.size, reply.data), (LARGE + 1, b"largela"))
        (reply,) = await self.replies(self.call("GetBlob", oid=self.large))
        self.assertEqual((reply.size, reply.data), (LARGE + 1, b""))
        await self.no_children()

    async def test_stopped(self):
        """
        Whoever goes away leaves no child behind.
        """
        first = await self.stop_after_first(self.call("GetBlob", oid=self.large, limit=-1))
        self.assertEqual(first.oid, self.large)

    async def test_not_found(self):
        """
        What is no blob, or does not exist, is one empty message, however odd (fault 46).
        """
        for oid in (
            self.inner,
            self.second,
            "v1",
            "1" * 40,
            "doesnotexist",
            "zz\n--batch",
            "--all",
            "main:nope",
            "main:dir",
            "a\0b",
        ):
            self.assertEqual(await self.reply(self.call("GetBlob", oid=oid, limit=-1)), GetBlobResponse(), oid)

    async def test_refused(self):
        """
        Something must be asked for.
        """
        self.assertEqual(await self.refusal(self.call("GetBlob")), (Code.INVALID_ARGUMENT, "empty Oid"))
