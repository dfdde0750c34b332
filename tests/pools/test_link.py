"""
Tests for gitaly_tx.pools.link.
"""

from __future__ import annotations

import os

from gitaly_tx.errors import Code
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.pools.link import link
from gitaly_tx.pools.pool import create_pool
from tests.contracts.storageprovider import named

from .poolcase import POOL, PoolCase, other

WANTED = f"../../{POOL}/objects".encode()


class LinkTests(PoolCase):
    """
    ``link``
    """

    async def setUp(self) -> None:  # type: ignore[override]
        await PoolCase.setUp(self)
        self.member = await self.make("a.git")
        self.pool = await self.make_pool("a.git")

    def write(self, content: bytes) -> None:
        """
        Let the member borrow from somewhere.
        """
        with open(self.path("a.git/objects/info/alternates"), "wb") as file:
            file.write(content)

    async def link(self) -> None:
        await link(self.stack.threads, self.member, self.pool)

    async def test_link(self) -> None:
        """
        The file says where the pool's objects are, relative to the member's; objects that only the pool has are found at once.
        """
        only = self.commit(POOL, "only in the pool")
        oid = self.git(POOL, "rev-parse", only).strip()
        self.assertEqual(await self.member.object_info([ObjectID(oid)]), [None])
        for _ in range(2):
            await self.link()
            self.assertEqual(self.alternates("a.git"), WANTED)
        self.git("a.git", "cat-file", "-e", only)
        (found,) = await self.member.object_info([ObjectID(oid)])
        assert found is not None
        self.assertEqual(found.type, b"commit")

    async def test_present(self) -> None:
        """
        The pool's absolute path becomes the relative one, and so does a comment; the rest of the file does not matter, and stays.
        Anything else stays as it is.
        """
        self.write(os.fsencode(self.pool.directory.objects))
        await self.link()
        self.assertEqual(self.alternates("a.git"), WANTED)
        self.write(WANTED + b"\n")
        await self.link()
        self.assertEqual(self.alternates("a.git"), WANTED + b"\n")
        self.write(WANTED + b"\n/x\n")
        await self.link()
        self.assertEqual(self.alternates("a.git"), WANTED + b"\n/x\n")
        for content in (b"# none", b"# none\n", b"#\n/x\n", os.fsencode(self.pool.directory.objects) + b"\n/x\n"):
            self.write(content)
            await self.link()
            self.assertEqual(self.alternates("a.git"), WANTED + (b"\n/x\n" if b"/x" in content else b""))
        for content, told in (
            (b"mock/objects\n", '"mock/objects"'),
            (b"", '""'),
            (b"/x\n" + WANTED, '"/x"'),
        ):
            self.write(content)
            expected = (Code.INTERNAL, f"unexpected alternates content: {told}")
            self.assertEqual(await self.refusal(self.link()), expected)
            self.assertEqual(self.alternates("a.git"), content)

    async def test_locked(self) -> None:
        """
        While somebody has the file's lock it is not written.
        """
        with open(self.path("a.git/objects/info/alternates.lock"), "w"):
            pass
        self.assertEqual(await self.refusal(self.link()), (Code.INTERNAL, "committing alternates: file already locked"))
        self.assertIsNone(self.alternates("a.git"))

    async def test_bitmaps(self) -> None:
        """
        Bitmaps of the member go if the pool has some, and stay otherwise.
        """
        self.git("a.git", "repack", "-a", "-d", "-b", "-q")

        def bitmaps() -> list[str]:
            return [name for name in os.listdir(self.path("a.git/objects/pack")) if name.endswith(".bitmap")]

        await self.link()
        self.assertEqual(len(bitmaps()), 1)
        self.git(POOL, "repack", "-a", "-d", "-b", "-q")
        await self.link()
        self.assertEqual(bitmaps(), [])

    async def test_cannot(self) -> None:
        """
        A pool elsewhere, with another object format, or one that borrows from the member itself is refused.
        """
        elsewhere = await create_pool(
            self.stack.provider, self.stack.threads, self.stack.provider.create, other(POOL), named("a.git")
        )
        expected = (Code.INVALID_ARGUMENT, "repository has different storage than object pool")
        self.assertEqual(await self.refusal(link(self.stack.threads, self.member, elsewhere)), expected)
        modern = await self.make("b.git", object_format="sha256")
        expected = (Code.INVALID_ARGUMENT, "repository has different object format than object pool")
        self.assertEqual(await self.refusal(link(self.stack.threads, modern, self.pool)), expected)
        for pool, repository in ((self.pool, self.pool), (self.member, self.pool)):
            if repository is not pool:
                await self.link()
            expected = (Code.INVALID_ARGUMENT, "object pool borrows from the repository")
            self.assertEqual(await self.refusal(link(self.stack.threads, repository, pool)), expected)
