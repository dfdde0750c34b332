"""
Tests for :mod:`gitaly_tx.services.diff.stats`.
"""

from __future__ import annotations

from .case import DiffCase


class DiffStatsTests(DiffCase):
    """
    ``DiffStats``
    """

    async def test_counts(self):
        """
        Lines are counted by file; a renamed file has both paths, a binary one no lines.
        """
        text = b"".join(b"%d\n" % number for number in range(20))
        left = self.commit({b"bin": b"\0", b"gone": b"1\n2\n", b"old": text})
        right = self.commit({b"bin": b"\0\1", b"new\nname": text + b"more\n", b"plus": b"other\n"}, left)
        reply = await self.reply(self.call("DiffStats", left_commit_id=left, right_commit_id=right))
        self.assertEqual(
            [(stats.path, stats.old_path, stats.additions, stats.deletions) for stats in reply.stats],
            [(b"bin", b"", 0, 0), (b"gone", b"", 0, 2), (b"new\nname", b"old", 1, 0), (b"plus", b"", 1, 0)],
        )

    async def test_messages(self):
        """
        A message has at most a thousand files; none is sent for nothing.
        """
        left = self.commit({})
        right = self.commit({b"%04d" % number: b"x\n" for number in range(1001)}, left)
        replies = await self.replies(self.call("DiffStats", left_commit_id=left, right_commit_id=right))
        self.assertEqual([len(reply.stats) for reply in replies], [1000, 1])
        self.assertEqual(await self.replies(self.call("DiffStats", left_commit_id=left, right_commit_id=left)), [])
