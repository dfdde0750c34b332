"""
``TreeEntry``
"""

from __future__ import annotations

from twisted.internet.defer import Deferred

from protocols.gitaly.commit_pb2 import TreeEntryResponse

from .case import CommitCase


class TreeEntryTests(CommitCase):
    """
    ``TreeEntry``
    """

    async def test_kinds(self):
        """
        Files, links, directories and submodules; only the first two have content.
        """
        for path, type, mode, data, size in (
            (b"README", TreeEntryResponse.BLOB, 0o100644, b"hello\nworld\n", 12),
            (b"bin/ran", TreeEntryResponse.BLOB, 0o100755, b"run\n", 4),
            (b"bin/link", TreeEntryResponse.BLOB, 0o120000, b"run", 3),
            (b"bin", TreeEntryResponse.TREE, 0o040000, b"", int(self.run_git("cat-file", "-s", "main:bin"))),
            (b"bin///", TreeEntryResponse.TREE, 0o040000, b"", int(self.run_git("cat-file", "-s", "main:bin"))),
            (b"module", TreeEntryResponse.COMMIT, 0o160000, b"", 0),
        ):
            reply = await self.asked("TreeEntry", revision=b"main", path=path)
            oid = self.oid(f"main:{path.decode().rstrip('/')}")
            self.assertEqual(reply, TreeEntryResponse(type=type, oid=oid, mode=mode, data=data, size=size))
        self.assertEqual(self.started, [])

    async def test_limits(self):
        """
        A limit cuts the content; a maximum refuses what is larger.
        """
        reply = await self.asked("TreeEntry", revision=b"main", path=b"README", limit=3, max_size=12)
        self.assertEqual((reply.data, reply.size), (b"hel", 12))
        self.assertEqual(
            await self.refused("TreeEntry", revision=b"main", path=b"README", max_size=11),
            "FAILED_PRECONDITION object size (12) is bigger than the maximum allowed size (11)",
        )

    async def test_bad_requests(self):
        """
        Bad numbers and paths.
        """
        for fields, text in (
            ({}, "empty Path"),
            ({"path": b"a", "limit": -1}, "negative Limit"),
            ({"path": b"a", "max_size": -1}, "negative MaxSize"),
        ):
            self.assertEqual(await self.refused("TreeEntry", revision=b"main", **fields), f"INVALID_ARGUMENT {text}")

    async def test_not_found(self):
        """
        A path is found as it stands in the tree and in no other spelling.
        """
        for revision, path in (
            (b"nope", b"README"),
            (b"main", b"nope"),
            (b"main", b"/README"),
            (b"main", b"./README"),
            (b"main", b"bin//ran"),
            (b"main", b"bin/../README"),
            (b"main", b"../README"),
            (b"main", b"."),
            (b"main", b"/"),
            (b"main", b"README/x"),
            (b"main", b"module/x"),
            (b"12" * 20, b"README"),
        ):
            refused = await self.refused("TreeEntry", revision=revision, path=path)
            self.assertEqual(refused, "NOT_FOUND tree entry not found", path)

    async def test_missing(self):
        """
        An entry whose object is missing is an error of another kind.
        """
        missing = "12" * (len(self.ids["one"]) // 2)
        tree = self.run_git("mktree", "--missing", stdin=f"100644 blob {missing}\tgone\n".encode())
        refused = await self.refused("TreeEntry", revision=tree.encode(), path=b"gone")
        self.assertEqual(refused, "INTERNAL object not found")

    async def test_empty(self):
        """
        An empty file is told of, too.
        """
        self.import_stream("commit refs/heads/empty\ncommitter C <c@x> 1 +0000\ndata 0\nM 100644 inline e\ndata 0\n\n")
        reply = await self.asked("TreeEntry", revision=b"empty", path=b"e")
        self.assertEqual((reply.type, reply.size, reply.data, len(reply.oid)), (TreeEntryResponse.BLOB, 0, b"", 40))

    def large(self) -> bytes:
        """
        A file that does not come through this process's memory in one piece.
        """
        content = bytes(range(256)) * 12_000
        oid = self.write("blob", content)
        tree = self.run_git("mktree", stdin=f"100644 blob {oid}\tlarge\n".encode())
        self.run_git("update-ref", "refs/heads/large", self.run_git("commit-tree", "-m", "large", tree))
        return content

    async def test_large(self):
        """
        A large file comes in pieces of at most 128 KiB, of which only the first says what it is.
        """
        content = self.large()
        replies = await self.replies(self.call("TreeEntry", revision=b"large", path=b"large"))
        self.assertEqual(b"".join(reply.data for reply in replies), content)
        self.assertEqual(replies[0].size, len(content))
        self.assertTrue(all(len(reply.data) <= 128 << 10 for reply in replies))
        self.assertTrue(all(not reply.oid for reply in replies[1:]))
        limited = await self.replies(self.call("TreeEntry", revision=b"large", path=b"large", limit=300_000))
        self.assertEqual(b"".join(reply.data for reply in limited), content[:300_000])
        await self.no_children()

    async def test_gone(self):
        """
        Whoever reads only the beginning leaves no child behind.
        """
        self.large()
        await self.stop_after_first(self.call("TreeEntry", revision=b"large", path=b"large"))

    def test_cancelled(self):
        """
        A call that is cancelled ends its child.
        """
        self.large()
        called = Deferred.fromCoroutine(self.replies(self.call("TreeEntry", revision=b"large", path=b"large")))
        called.addErrback(lambda _: None)
        called.cancel()
        return self.no_children()


class Sha256Tests(TreeEntryTests):
    """
    The same with SHA-256
    """

    object_format = "sha256"

    async def test_empty(self):
        """
        Ids are longer.
        """
        reply = await self.asked("TreeEntry", revision=b"main", path=b"README")
        self.assertEqual(len(reply.oid), 64)
