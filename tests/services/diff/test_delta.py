"""
Tests for :mod:`gitaly_tx.services.diff.delta`.
"""

from __future__ import annotations

from typing import Any

from protocols.gitaly.diff_pb2 import CommitDelta

from .case import FILE, LINK, DiffCase


class CommitDeltaTests(DiffCase):
    """
    ``CommitDelta``
    """

    def commits(self) -> None:
        self.left = self.commit({b"a": b"1\n", b"old": b"content\n" * 10, b"type": (LINK, b"x")})
        self.right = self.commit({b"a": b"2\n", b"new\xff": b"content\n" * 10, b"type": b"x"}, self.left)

    async def deltas(self, left: str, right: str, **fields: Any) -> list[list[CommitDelta]]:
        """
        The answer, message by message.
        """
        replies = await self.replies(self.call("CommitDelta", left_commit_id=left, right_commit_id=right, **fields))
        return [list(reply.deltas) for reply in replies]

    async def test_files(self):
        """
        Files come in git's order with modes, ids and paths; renames at their new path, changes of type as two.
        """
        ((changed, renamed, deleted, added),) = await self.deltas(self.left, self.right)
        ids = [self.run_git("rev-parse", f"{commit}:a") for commit in (self.left, self.right)]
        expected = CommitDelta(from_path=b"a", to_path=b"a", from_id=ids[0], to_id=ids[1], old_mode=FILE, new_mode=FILE)
        self.assertEqual(changed, expected)
        self.assertEqual((renamed.from_path, renamed.to_path, renamed.from_id), (b"old", b"new\xff", renamed.to_id))
        self.assertEqual((deleted.old_mode, deleted.new_mode, deleted.to_id), (LINK, 0, "0" * 40))
        self.assertEqual((added.old_mode, added.new_mode, added.from_id), (0, FILE, "0" * 40))

    async def test_paths(self):
        """
        Only some paths are looked at.
        """
        ((only,),) = await self.deltas(self.left, self.right, paths=[b"a", b"none"])
        self.assertEqual(only.to_path, b"a")

    async def test_messages(self):
        """
        A message ends with the file that makes it weigh more than 5120 bytes: both ids, both paths and eight bytes each.
        """
        names = [b"%090d" % number for number in range(41)]
        right = self.commit(dict.fromkeys(names, b"x\n"))
        messages = await self.deltas(self.commit({}), right)
        self.assertEqual([len(message) for message in messages], [20, 20, 1])
        self.assertEqual([delta.to_path for message in messages for delta in message], names)


class Sha256Tests(DiffCase):
    """
    ``CommitDelta`` in a repository with long ids.
    """

    object_format = "sha256"

    async def test_ids(self):
        """
        What is not there has an id of zeroes of the same length.
        """
        left, right = self.commit({}), self.commit({b"a": b"1\n"})
        reply = await self.reply(self.call("CommitDelta", left_commit_id=left, right_commit_id=right))
        self.assertEqual((reply.deltas[0].from_id, len(reply.deltas[0].to_id)), ("0" * 64, 64))
