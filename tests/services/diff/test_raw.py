"""
Tests for :mod:`gitaly_tx.services.diff.raw`.
"""

from __future__ import annotations

import os

from gitaly_tx.rpc.chunks import CHUNK
from gitaly_tx.streams import StreamBroken
from protocols.gitaly.diff_pb2 import RawDiffRequest
from tests.support.calls import make_call
from tests.support.git import git
from tests.support.readcase import NAME

from .case import LINK, DiffCase


class RawDiffTests(DiffCase):
    """
    ``RawDiff``
    """

    def commits(self) -> None:
        self.left = self.commit({b"a": b"1\n", b"b": b"\0"})
        self.right = self.commit({b"a": b"2\n", b"c\xff": (LINK, b"x")}, self.left)

    async def test_text(self):
        """
        The text is git's, with ids in full.
        """
        sent = await self.sent("RawDiff", left_commit_id=self.left, right_commit_id=self.right)
        self.assertEqual(sent, git("-C", self.directory.path, "diff", "--full-index", self.left, self.right))
        self.assertEqual(await self.sent("RawDiff", left_commit_id=self.left, right_commit_id=self.left), b"")

    async def test_config(self):
        """
        Prefixes are as the repository's config says; it runs nothing.
        """
        ran = os.path.join(self.directory.path, "ran")
        self.run_git("config", "diff.noprefix", "true")
        self.run_git("config", "diff.external", f"touch {ran};")
        sent = await self.sent("RawDiff", left_commit_id=self.left, right_commit_id=self.right)
        self.assertIn(b"diff --git a a\n", sent)
        self.assertFalse(os.path.exists(ran))

    async def test_chunks(self):
        """
        A long text comes in messages of at most 128 KiB.
        """
        right = self.commit({b"a": b"".join(b"%d\n" % number for number in range(100_000))})
        call = make_call("DiffService/RawDiff")
        await self.service.RawDiff(call, RawDiffRequest(repository=NAME, left_commit_id=self.left, right_commit_id=right))
        self.assertLessEqual(max(len(reply.data) for reply in call.exchange.replies), CHUNK)
        self.assertGreater(sum(len(reply.data) for reply in call.exchange.replies), 600_000)

    async def test_gone(self):
        """
        A caller who goes away takes the child along.
        """
        right = self.commit({b"%05d" % number: b"x\n" * 500 for number in range(1000)})
        call = make_call("DiffService/RawDiff")
        call.exchange.broken = True
        request = RawDiffRequest(repository=NAME, left_commit_id=self.left, right_commit_id=right)
        with self.assertRaises(StreamBroken):
            await self.service.RawDiff(call, request)
        await self.no_children()


class RawPatchTests(DiffCase):
    """
    ``RawPatch``
    """

    async def test_mails(self):
        """
        A mail for each commit on the right side only, merges aside, the oldest first.
        """
        base = self.commit({b"a": b"0\n"}, message="base")
        first = self.commit({b"a": b"1\n"}, base, message="first")
        other = self.commit({b"a": b"0\n", b"b": b"1\n"}, base, message="other")
        second = self.commit({b"a": b"1\n", b"b": b"1\n"}, first, other, message="merge")
        last = self.commit({b"a": b"3\n", b"b": b"1\n"}, second, message="last")
        sent = await self.sent("RawPatch", left_commit_id=first, right_commit_id=last)
        self.assertEqual(
            [line for line in sent.split(b"\n") if line.startswith(b"Subject:")],
            [
                b"Subject: [PATCH 1/2] other",
                b"Subject: [PATCH 2/2] last",
            ],
        )
        self.assertEqual(sent.count(b"-- \nGitLab\n\n"), 2)
        self.assertEqual(await self.sent("RawPatch", left_commit_id=last, right_commit_id=first), b"")
