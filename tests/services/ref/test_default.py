"""
Tests for :mod:`gitaly_tx.services.ref.default`.
"""

from __future__ import annotations

from gitaly_tx.errors import Code
from tests.services.ref.case import RefCase


class FindDefaultBranchNameTests(RefCase):
    """
    ``FindDefaultBranchName``
    """

    async def name(self, head_only: bool = False) -> bytes:
        found: bytes = (await self.reply(self.call("FindDefaultBranchName", head_only=head_only))).name
        return found

    async def test_name(self):
        """
        An unborn branch is only told to who asks for HEAD alone; no git is needed.
        """
        self.assertEqual(await self.name(), b"")
        self.assertEqual(await self.name(head_only=True), b"refs/heads/main")
        self.point("refs/heads/other", self.first)
        self.assertEqual(await self.name(), b"refs/heads/other")
        self.assertEqual(self.started, [])

    async def test_detached(self):
        """
        A detached HEAD is an error, in the words for what was asked.
        """
        self.run_git("update-ref", "--no-deref", "HEAD", self.first)
        for head_only, text in ((True, "head reference"), (False, "get default branch")):
            refused = await self.refusal(self.call("FindDefaultBranchName", head_only=head_only))
            self.assertEqual(refused, (Code.INTERNAL, f"{text}: exit status 128"))
