"""
``ListFiles``
"""

from __future__ import annotations

from typing import Any

from .case import CommitCase


class ListFilesTests(CommitCase):
    """
    ``ListFiles``
    """

    async def paths(self, **fields: Any) -> list[bytes]:
        """
        The paths that are listed.
        """
        return [path for reply in await self.replies(self.call("ListFiles", **fields)) for path in reply.paths]

    async def test_listed(self):
        """
        Files and links, no submodules, in git's order, of the default branch if no revision is named.
        """
        expected = [b"README", b"bin/link", b"bin/ran", b"deep/er/still/file", b"side"]
        self.assertEqual(await self.paths(revision=b"main"), expected)
        self.assertEqual(await self.paths(), expected)
        self.assertEqual(await self.paths(revision=b"v1"), [b"README", b"bin/link", b"bin/run", b"deep/er/still/file"])
        self.assertEqual(await self.paths(revision=b"main^{tree}"), expected)
        self.assertEqual(self.started, [])

    async def test_unresolved(self):
        """
        For what stands for nothing there is one empty message; for what is missing or no tree, none.
        """
        for revision, count in ((b"nope", 1), (b"refs/heads/nope", 1), (b"12" * 20, 0), (self.oid("main:README").encode(), 0)):
            replies = await self.replies(self.call("ListFiles", revision=revision))
            self.assertEqual([list(reply.paths) for reply in replies], [[]] * count)

    async def test_no_default_branch(self):
        """
        Without a branch a revision is needed, and where HEAD stands for none.
        """
        tip = self.oid("main")
        for name in ("main", "side"):
            self.run_git("update-ref", "-d", f"refs/heads/{name}")
        self.assertEqual(await self.refused("ListFiles"), "FAILED_PRECONDITION repository does not have a default branch")
        self.run_git("update-ref", "--no-deref", "HEAD", tip)
        self.assertEqual(await self.refused("ListFiles"), 'NOT_FOUND revision not found ""')
        self.assertTrue(await self.paths(revision=b"v1"))

    async def test_many(self):
        """
        Many paths come in several messages of less than a mebibyte, and are read some at a time.
        """
        blob = self.write("blob", b"").encode()
        inner = self.run_git("mktree", stdin=b"".join(b"100644 blob %b\t%b%d\n" % (blob, b"n" * 200, n) for n in range(3000)))
        tree = self.run_git("mktree", stdin=b"".join(b"040000 tree %b\t%d\n" % (inner.encode(), n) for n in range(3)))
        replies = await self.replies(self.call("ListFiles", revision=tree.encode()))
        found = b"\n".join(path for reply in replies for path in reply.paths)
        self.assertEqual(found.decode(), self.run_git("ls-tree", "-r", "--name-only", tree))
        self.assertEqual([reply.ByteSize() < 1 << 20 for reply in replies], [True] * 2)

    async def test_missing_tree(self):
        """
        A directory that is missing ends the list.
        """
        blob = self.write("blob", b"").encode()
        lines = b"100644 blob %b\ta\n040000 tree %b\tgone\n" % (blob, b"12" * 20)
        tree = self.run_git("mktree", "--missing", stdin=lines)
        self.assertEqual(await self.replies(self.call("ListFiles", revision=tree.encode())), [])
