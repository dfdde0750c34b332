"""
Tests for :mod:`gitaly_tx.services.ref.messages`.
"""

from __future__ import annotations

from gitaly_tx.errors import GitalyError
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.interfaces import IObjects, Reference
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.git.parse.mailmap import NONE, Mailmap
from gitaly_tx.services.ref import messages
from gitaly_tx.services.ref.messages import Messages
from protocols.gitaly.shared_pb2 import Tag
from tests.support.readcase import ReadCase


class MessagesTests(ReadCase):
    """
    ``Messages``.
    """

    def fill(self) -> None:
        self.made: list[bytes] = []
        self.messages = Messages(self.make)

    def make(self, objects: IObjects, ref: Reference, mailmap: Mailmap) -> Tag:
        """
        A message that is as large as the ref's name says.
        """
        self.made.append(ref.name)
        if ref.name == b"bad":
            raise GitalyError("bad")
        return Tag(id=str(ref.target), message=b"x" * int(ref.name))

    def refs(self, *sizes: int, target: str = "1") -> list[Reference]:
        """
        Refs with messages of these sizes.
        """
        return [Reference(b"%d" % size, ObjectID(target * 40)) for size in sizes]

    async def batches(self, refs: list[Reference], mailmap: Mailmap = NONE) -> list[list[int]]:
        return [[len(tag.message) for _, tag in batch] async for batch in self.messages.of(self.repository, mailmap, refs)]

    async def test_kept(self):
        """
        What was made once is not made again, but for another target, mailmap or quarantine.
        """
        refs = self.refs(1, 2, 3)
        self.assertEqual(await self.batches(refs), [[1, 2, 3]])
        self.assertEqual(await self.batches(self.refs(3, 2, 4)), [[3, 2, 4]])
        self.assertEqual(self.made, [b"1", b"2", b"3", b"4"])
        await self.messages.one(self.repository, NONE, self.refs(1, target="2")[0])
        await self.messages.one(self.repository, Mailmap(b"A <a@example.org>"), refs[0])
        quarantined = self.reading.repository(GitDirectory(self.directory.path, self.directory.objects))
        await self.messages.one(quarantined, NONE, refs[0])
        self.assertEqual(self.made[4:], [b"1", b"1", b"1"])

    async def test_bounded(self):
        """
        What was used longest ago is dropped.
        """
        self.messages = Messages(self.make, maximum=4000)
        await self.batches(self.refs(1000, 1001))
        await self.batches(self.refs(1000))
        await self.batches(self.refs(1002))
        await self.batches(self.refs(1000, 1002))
        self.assertEqual(self.made, [b"1000", b"1001", b"1002"])
        await self.batches(self.refs(1001, 50_000))
        self.assertEqual(self.made[3:], [b"1001", b"50000"])
        self.assertEqual((self.messages._bytes, len(self.messages._kept)), (0, 0))

    async def test_cut(self):
        """
        Lists fit into replies, whatever is read at once.
        """
        self.patch(messages, "_AT_ONCE", 2)
        self.assertEqual(
            await self.batches(self.refs(400_000, 400_001, 400_002, 5, 2_000_000, 6)),
            [
                [400_000, 400_001],
                [400_002, 5],
                [2_000_000],
                [6],
            ],
        )
        self.assertEqual(await self.batches([]), [])

    async def test_same_ref_twice(self):
        """
        A ref may be asked for twice at once.
        """
        self.assertEqual(await self.batches(self.refs(7, 7)), [[7, 7]])
        self.assertEqual(self.messages._bytes, messages._OVERHEAD + self.messages._kept.popitem()[1][1])

    async def test_error(self):
        """
        What cannot be made is an error, and nothing of its part is kept.
        """
        bad = Reference(b"bad", ObjectID("1" * 40))
        with self.assertRaises(GitalyError):
            await self.batches([*self.refs(1), bad])
        self.assertEqual(len(self.messages._kept), 0)
