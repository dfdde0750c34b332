"""
Tests for gitaly_tx.pools.disconnect.
"""

from __future__ import annotations

import errno
import os
from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.git.command import Command
from gitaly_tx.git.interfaces import Ended
from gitaly_tx.pools import objects
from gitaly_tx.pools.disconnect import disconnect
from gitaly_tx.pools.link import link
from tests.contracts.storageprovider import named

from .poolcase import POOL, PoolCase


class DisconnectTests(PoolCase):
    """
    ``disconnect``
    """

    async def setUp(self) -> None:  # type: ignore[override]
        await PoolCase.setUp(self)
        self.member = await self.make("a.git")
        self.git("a.git", "repack", "-q", "-d")
        self.commit("a.git", "loose")
        self.pool = await self.make_pool("a.git")

    async def deduplicated(self) -> None:
        """
        Link the member and drop what the pool has.
        """
        await link(self.stack.threads, self.member, self.pool)
        self.git("a.git", "repack", "-a", "-d", "-l", "-q")
        self.assertEqual([n for n in os.listdir(self.path("a.git/objects/pack")) if n.endswith(".pack")], [])

    async def disconnect(self, git: Any = None) -> None:
        await disconnect(git or self.stack.git, self.stack.threads, self.member)

    async def test_disconnect(self) -> None:
        """
        A member that has nothing of its own has everything afterwards, without a copy, and the pool may go.
        """
        await self.deduplicated()
        await self.disconnect()
        self.assertIsNone(self.alternates("a.git"))
        for name in os.listdir(self.path("a.git/objects/pack")):
            self.assertGreaterEqual(os.stat(self.path(f"a.git/objects/pack/{name}")).st_nlink, 2)
        await self.stack.provider.remove(named(POOL))
        self.git("a.git", "fsck", "--strict")
        self.assertEqual((self.littered(), self.stack.alive), ([], 0))
        await self.disconnect()

    async def test_copies(self) -> None:
        """
        Where a file cannot have two names it is copied.
        """
        await self.deduplicated()

        def refuse(source: str, target: str) -> None:
            raise OSError(errno.EXDEV, "no")

        self.patch(os, "link", refuse)
        await self.disconnect()
        await self.stack.provider.remove(named(POOL))
        self.git("a.git", "fsck", "--strict")

    async def test_disk_is_full(self) -> None:
        """
        If the disk refuses, the member goes on borrowing.
        """
        await self.deduplicated()

        def refuse(source: str, target: str) -> None:
            raise OSError(errno.ENOSPC, "no")

        self.patch(os, "link", refuse)
        try:
            await self.disconnect()
        except OSError as error:
            self.assertEqual(error.errno, errno.ENOSPC)
        else:
            self.fail("said nothing")
        self.assertIsNotNone(self.alternates("a.git"))
        self.assertEqual(self.stack.alive, 0)

    async def test_nothing_borrowed(self) -> None:
        """
        Who does not borrow stays as he is; so does who only says so in a comment.
        """
        await self.disconnect()
        with open(self.path("a.git/objects/info/alternates"), "w") as file:
            file.write("# ../../x/objects\n\n")
        await self.disconnect()
        self.assertEqual(self.alternates("a.git"), b"# ../../x/objects\n\n")

    async def test_unexpected(self) -> None:
        """
        Several lenders, one that is not there and one that is no directory are told, and no path is.
        """
        with open(self.path("file"), "w"):
            pass
        for content, text in [
            ("/a\n/b\n", "multiple alternate object directories"),
            ("/does/not/exist", "stat alternate object directory: no such file or directory"),
            (self.path("file"), "alternate object entry is not a directory"),
        ]:
            with open(self.path("a.git/objects/info/alternates"), "w") as file:
                file.write(content)
            self.assertEqual(await self.refusal(self.disconnect()), (Code.INTERNAL, text))
            self.assertEqual(self.alternates("a.git"), content.encode())

    async def test_not_connected(self) -> None:
        """
        If something is missing that no lender has, the member goes on borrowing.
        """
        await self.deduplicated()
        for name in os.listdir(self.path(f"{POOL}/objects/pack")):
            os.rename(self.path(f"{POOL}/objects/pack/{name}"), self.path(name))
        expected = (Code.INTERNAL, "git connectivity error while disconnected: exit status 128")
        self.assertEqual(await self.refusal(self.disconnect()), expected)
        self.assertIsNotNone(self.alternates("a.git"))
        self.assertEqual((self.littered(), self.stack.alive), ([], 0))

    async def test_pool_in_motion(self) -> None:
        """
        If the pool changes while git walks it is done again; if it changes all the time the member goes on borrowing.
        """
        await self.deduplicated()
        walks = 0

        class Meddling:
            def __init__(self, times: int) -> None:
                self.times = times

            async def run(inner, command: Command, **more: Any) -> tuple[bytes, Ended]:
                nonlocal walks
                walks += 1
                if walks <= inner.times:
                    self.commit(POOL, f"{inner.times}: {walks}")
                return await self.stack.git.run(command, **more)

        expected = (Code.ABORTED, "object pool was changed meanwhile, try again")
        self.assertEqual(await self.refusal(self.disconnect(Meddling(9))), expected)
        self.assertIsNotNone(self.alternates("a.git"))
        walks = 0
        await self.disconnect(Meddling(1))
        self.assertEqual(walks, 2)
        self.assertIsNone(self.alternates("a.git"))
        self.git("a.git", "fsck", "--strict")

    async def test_files_vanish(self) -> None:
        """
        Files that another git takes away while they are gathered are looked for again, and in the end are an error.
        """
        await self.deduplicated()
        share, calls = objects.share, [0]

        def vanishing(source: str, target: str) -> None:
            calls[0] += 1
            if calls[0] <= 1:
                raise FileNotFoundError(source)
            share(source, target)

        self.patch(objects, "share", vanishing)
        await self.disconnect()
        self.git("a.git", "fsck", "--strict")

        def vanished(source: str, target: str) -> None:
            raise FileNotFoundError(source)

        self.patch(objects, "share", vanished)
        self.assertRaises(FileNotFoundError, objects.gather, [self.path(f"{POOL}/objects")], self.mktemp())
