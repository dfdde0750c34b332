"""
Contents as streams.
"""

from __future__ import annotations

from gitaly_tx.git.contents import IN_MEMORY, contents
from gitaly_tx.git.errors import ObjectNotFound
from gitaly_tx.git.interfaces import ObjectInfo
from gitaly_tx.git.objectid import ObjectID
from tests.support.readcase import ReadCase


class ContentsTests(ReadCase):
    """
    ``contents``
    """

    async def read(self, oid: str, limit: int | None = None) -> bytes:
        """
        All that comes.
        """
        (info,) = await self.repository.object_info([ObjectID(oid)])
        assert info is not None
        return b"".join([piece async for piece in contents(self.git_port, self.repository, info, limit)])

    async def test_sizes(self):
        """
        A content is whole, or as much of it as is wanted; only a large one needs a child.
        """
        for size in (0, 1, IN_MEMORY, IN_MEMORY + 1, 3 * IN_MEMORY):
            content = (b"0123456789" * (size // 10 + 1))[:size]
            oid = self.write("blob", content)
            for limit in (None, 0, 1, size - 1, size, size + 1):
                if limit is None or limit >= 0:
                    self.assertEqual(await self.read(oid, limit), content[:limit])
            self.assertEqual(bool(self.started), size > IN_MEMORY)
        await self.no_children()

    async def test_missing(self):
        """
        An object that has gone meanwhile is an error.
        """
        missing = ObjectID("12" * 20)
        with self.assertRaises(ObjectNotFound):
            await anext(contents(self.git_port, self.repository, ObjectInfo(missing, b"blob", 5)))
        large = contents(self.git_port, self.repository, ObjectInfo(missing, b"blob", IN_MEMORY + 1))
        code, text = await self.refusal(large)
        self.assertEqual((code.name, text), ("INTERNAL", "reading object: exit status 128"))

    async def test_left(self):
        """
        Whoever stops half-way ends the child.
        """
        oid = self.write("blob", b"x" * (4 * IN_MEMORY))
        await self.stop_after_first(contents(self.git_port, self.repository, ObjectInfo(ObjectID(oid), b"blob", 4 * IN_MEMORY)))
