"""
Tests for :mod:`gitaly_tx.services.defaultbranch`.
"""

from __future__ import annotations

from gitaly_tx.errors import Code
from gitaly_tx.services.defaultbranch import default_branch, has_branches, head_reference
from tests.support.readcase import ReadCase


class DefaultBranchTests(ReadCase):
    """
    ``default_branch`` and ``head_reference``.
    """

    def fill(self) -> None:
        self.oid = self.run_git("commit-tree", "-m", "m", self.run_git("mktree"))

    async def test_order(self):
        """
        HEAD's branch comes first, then main, master, and the first one by name; without branches there is none.
        """
        self.run_git("symbolic-ref", "HEAD", "refs/heads/unborn")
        self.assertEqual(await default_branch(self.repository), b"")
        for name in ("zulu", "alpha", "master", "main", "unborn"):
            self.run_git("update-ref", f"refs/heads/{name}", self.oid)
            expected = {"zulu": b"zulu", "alpha": b"alpha"}.get(name, name.encode())
            self.assertEqual(await default_branch(self.repository), b"refs/heads/" + expected)

    async def test_head(self):
        """
        HEAD's branch need not exist; a detached HEAD has none.
        """
        self.assertEqual(await head_reference(self.repository), b"refs/heads/main")
        self.run_git("update-ref", "--no-deref", "HEAD", self.oid)
        for find in (head_reference, default_branch):
            self.assertEqual(await self.refusal(find(self.repository)), (Code.INTERNAL, "exit status 128"))

    async def test_any(self):
        """
        Any ref below ``refs/heads/`` is a branch, be it HEAD's or another.
        """
        self.run_git("update-ref", "refs/tags/v1", self.oid)
        for name, expected in (("refs/tags/v1", False), ("refs/heads/other", True), ("refs/heads/main", True)):
            self.run_git("update-ref", name, self.oid)
            self.assertEqual(await has_branches(self.repository), expected)
            self.run_git("update-ref", "-d", name)
        self.run_git("update-ref", "--no-deref", "HEAD", self.oid)
        self.assertFalse(await has_branches(self.repository))
