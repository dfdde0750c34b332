"""
Tests for :mod:`gitaly_tx.services.ref.containing` and :mod:`gitaly_tx.services.ref.bygit`.
"""

from __future__ import annotations

from gitaly_tx.errors import Code
from tests.services.ref.case import RefCase


class ContainingTests(RefCase):
    """
    ``ListBranchNamesContainingCommit`` and ``ListTagNamesContainingCommit``
    """

    def refs(self) -> None:
        self.point("refs/heads/main", self.second)
        self.point("refs/heads/a/old", self.first)
        self.point("refs/tags/light", self.second)
        self.tag("annotated", self.first)
        self.alone = self.commit("alone", 1, self.run_git("mktree"))

    async def branches(self, commit_id: str, **fields) -> list[bytes]:
        replies = await self.replies(self.call("ListBranchNamesContainingCommit", commit_id=commit_id, **fields))
        return [name for reply in replies for name in reply.branch_names]

    async def tags(self, commit_id: str, **fields) -> list[bytes]:
        replies = await self.replies(self.call("ListTagNamesContainingCommit", commit_id=commit_id, **fields))
        return [name for reply in replies for name in reply.tag_names]

    async def test_names(self):
        """
        Names are short and sorted; a limit counts them.
        """
        self.assertEqual(await self.branches(self.first), [b"a/old", b"main"])
        self.assertEqual(await self.branches(self.second), [b"main"])
        self.assertEqual(await self.branches(self.first, limit=1), [b"a/old"])
        self.assertEqual(await self.tags(self.first), [b"annotated", b"light"])
        self.assertEqual(await self.tags(self.second, limit=5), [b"light"])
        self.assertEqual(await self.tags(self.alone), [])
        self.assertEqual(await self.replies(self.call("ListTagNamesContainingCommit", commit_id=self.alone)), [])
        await self.no_children()

    async def test_errors(self):
        """
        An id must be a full one, and that of a commit.
        """
        for method in ("ListBranchNamesContainingCommit", "ListTagNamesContainingCommit"):
            for commit_id, text in [
                ("", 'invalid object ID: "", expected length 40, got 0'),
                ("main", 'invalid object ID: "main", expected length 40, got 4'),
                ("é", 'invalid object ID: "é", expected length 40, got 2'),
                ("Z" * 40, f"invalid object ID: \"{'Z' * 40}\", invalid character 'Z'"),
            ]:
                refused = await self.refusal(self.call(method, commit_id=commit_id))
                self.assertEqual(refused, (Code.INVALID_ARGUMENT, text))
            refused = await self.refusal(self.call(method, commit_id="1" * 40))
            self.assertEqual(refused, (Code.INTERNAL, "exit status 129"))

    async def test_stopped(self):
        """
        Whoever goes away leaves no child behind.
        """
        called = self.call("ListBranchNamesContainingCommit", commit_id=self.first)
        self.assertEqual((await self.stop_after_first(called)).branch_names[0], b"a/old")
