"""
Tests for :mod:`gitaly_tx.services.diff.patch_id`.
"""

from __future__ import annotations

from gitaly_tx.errors import Code
from tests.support.git import git

from .case import DiffCase


class GetPatchIDTests(DiffCase):
    """
    ``GetPatchID``
    """

    def commits(self) -> None:
        self.old = self.commit({b"a": b"1\n", b"b": b"1\n"})
        self.new = self.commit({b"a": b"2\n", b"b": b"2\n"}, self.old)

    async def test_id(self):
        """
        The id is git's, of commits and of files in them.
        """
        for old, new in ((self.old, self.new), (f"{self.old}:a", "made:a"), (self.new, self.old)):
            diff = git("-C", self.directory.path, "diff", "--full-index", old, new)
            expected = self.run_git("patch-id", "--stable", stdin=diff).split(" ")[0]
            reply = await self.reply(self.call("GetPatchID", old_revision=old.encode(), new_revision=new.encode()))
            self.assertEqual(reply.patch_id, expected)
            self.assertEqual(len(expected), 40)

    async def test_large(self):
        """
        A large difference goes through without being kept.
        """
        new = self.commit({b"a": b"".join(b"%d\n" % number for number in range(300_000))})
        reply = await self.reply(self.call("GetPatchID", old_revision=self.old.encode(), new_revision=new.encode()))
        self.assertEqual(len(reply.patch_id), 40)

    async def test_refused(self):
        """
        There are two revisions, which exist and differ.
        """
        old, unknown = self.old.encode(), b"deadbeef" * 5
        for fields, expected in (
            ({"repository": None}, (Code.INVALID_ARGUMENT, "repository not set")),
            ({"new_revision": old}, (Code.INVALID_ARGUMENT, "empty OldRevision")),
            ({"old_revision": old}, (Code.INVALID_ARGUMENT, "empty NewRevision")),
            (
                {"old_revision": old, "new_revision": old},
                (Code.FAILED_PRECONDITION, "no difference between old and new revision"),
            ),
            ({"old_revision": old, "new_revision": unknown}, (Code.INTERNAL, "waiting for git-diff: exit status 128")),
            ({"old_revision": old + b":c", "new_revision": old}, (Code.INTERNAL, "waiting for git-diff: exit status 128")),
        ):
            self.assertEqual(await self.refusal(self.call("GetPatchID", **fields)), expected)
        await self.no_children()
