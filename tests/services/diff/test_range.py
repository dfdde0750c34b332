"""
Tests for :mod:`gitaly_tx.services.diff.range`.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.services.diff.range import MESSAGE
from protocols.gitaly.diff_pb2 import BaseWithRevisions, RangeDiffResponse, RangePair, RevisionRange

from .case import DiffCase

DASHES = "-" * 40


class RangeCase(DiffCase):
    """
    A branch before and after a rebase: one commit is the same, one has changed, one is gone, one is new.
    """

    def commits(self) -> None:
        numbers = b"".join(b"%d\n" % number for number in range(50))
        self.base = self.commit({b"a": numbers}, message="base")
        files: dict[bytes, Any] = {b"a": numbers, b"b": b"same\n"}
        old = [self.commit(files, self.base, message="Same one")]
        old.append(self.commit({**files, b"a": numbers.replace(b"7\n", b"seven\n")}, old[-1], message="Other: two"))
        old.append(self.commit({**files, b"c": numbers.replace(b"\n", b"c\n")}, old[-1], message="Old three"))
        self.old = old
        moved = self.commit({b"a": numbers, b"z": b"z\n"}, self.base, message="Moved")
        files[b"z"] = b"z\n"
        new = [self.commit(files, moved, message="Same one")]
        changed = numbers.replace(b"7\n", b"seven\n").replace(b"33\n", b"thirty\n")
        new.append(self.commit({**files, b"a": changed}, new[-1], message="Other: two"))
        new.append(self.commit({b"z": b"z\n"}, new[-1], message="New three"))
        self.new = new
        self.moved = moved

    @property
    def pair(self) -> RangePair:
        """
        Both ranges.
        """
        return RangePair(range1=f"{self.base}..{self.old[-1]}", range2=f"{self.moved}..{self.new[-1]}")

    def printed(self, *words: str) -> bytes:
        """
        What git prints.
        """
        return self.run_git("-c", "core.abbrev=40", "range-diff", "--no-color", *words).encode() + b"\n"


class RawRangeDiffTests(RangeCase):
    """
    ``RawRangeDiff``
    """

    async def test_text(self):
        """
        The text is git's, with ids in full, for every way to name two ranges.
        """
        old, new, base = self.old[-1], self.new[-1], self.base
        for fields, words in (
            ({"range_pair": self.pair}, (self.pair.range1, self.pair.range2)),
            ({"revision_range": RevisionRange(rev1=old, rev2=new)}, (f"{old}...{new}",)),
            ({"base_with_revisions": BaseWithRevisions(base=base, rev1=old, rev2=new)}, (base, old, new)),
        ):
            sent = await self.sent("RawRangeDiff", **fields)
            self.assertEqual(sent, self.printed(*words))
            self.assertIn(self.old[-1].encode(), sent)
        empty = BaseWithRevisions(base=base, rev1=base, rev2=base)
        self.assertEqual(await self.sent("RawRangeDiff", base_with_revisions=empty), b"")

    async def test_refused(self):
        """
        Ranges are given in full, and are no options; unknown ones are git's to refuse.
        """
        unknown = "deadbeef" * 5
        dash = "cmd: positional arg \"--output=x\" cannot start with dash '-': invalid argument"
        for fields, code, text in (
            ({}, Code.INVALID_ARGUMENT, "empty RangeSpec"),
            ({"range_pair": RangePair(range2="x")}, Code.INVALID_ARGUMENT, "empty Range1"),
            ({"range_pair": RangePair(range1="x")}, Code.INVALID_ARGUMENT, "empty Range2"),
            ({"revision_range": RevisionRange(rev2="x")}, Code.INVALID_ARGUMENT, "empty Rev1"),
            ({"revision_range": RevisionRange(rev1="x")}, Code.INVALID_ARGUMENT, "empty Rev2"),
            ({"base_with_revisions": BaseWithRevisions(rev1="x", rev2="x")}, Code.INVALID_ARGUMENT, "empty Base"),
            ({"base_with_revisions": BaseWithRevisions(base="x", rev2="x")}, Code.INVALID_ARGUMENT, "empty Rev1"),
            ({"range_pair": RangePair(range1="--output=x", range2="x")}, Code.INTERNAL, dash),
            ({"revision_range": RevisionRange(rev1=unknown, rev2="made")}, Code.INTERNAL, "exit status "),
        ):
            refused = await self.refusal(self.sent("RawRangeDiff", **fields))
            # Which status that is differs between versions of git.
            self.assertEqual((refused[0], refused[1].rstrip("0123456789")), (code, text.rstrip("0123456789")))


class RangeDiffTests(RangeCase):
    """
    ``RangeDiff``
    """

    async def replies_for(self, **fields: Any) -> list[RangeDiffResponse]:
        """
        The answer.
        """
        return await self.replies(self.call("RangeDiff", **fields))

    async def test_pairs(self):
        """
        Every pair has its ids, its sign and its subject; only a pair that differs has a patch.
        """
        found = await self.replies_for(range_pair=self.pair)
        told = [(reply.from_commit_id, reply.comparison, reply.to_commit_id, reply.commit_message_title) for reply in found]
        self.assertEqual(
            sorted(told),
            sorted(
                [
                    (self.old[0], RangeDiffResponse.COMPARATOR_EQUAL_UNSPECIFIED, self.new[0], "Same one"),
                    (self.old[1], RangeDiffResponse.COMPARATOR_NOT_EQUAL, self.new[1], "Other: two"),
                    (self.old[2], RangeDiffResponse.COMPARATOR_LESS_THAN, DASHES, "Old three"),
                    (DASHES, RangeDiffResponse.COMPARATOR_GREATER_THAN, self.new[2], "New three"),
                ]
            ),
        )
        self.assertTrue(all(reply.end_of_patch for reply in found))
        printed = self.printed(self.pair.range1, self.pair.range2)
        patch = b"".join(line[4:] for line in printed.splitlines(keepends=True) if line.startswith(b"    "))
        self.assertEqual([reply.patch_data for reply in found if reply.patch_data], [patch])

    async def test_long_patch(self):
        """
        A long patch is cut; only the first message has the other fields, only the last the end.
        """
        lines = b"".join(b"%d\n" % number for number in range(3000))
        old = self.commit({b"a": lines}, self.base, message="Long")
        new = self.commit({b"a": lines.replace(b"7\n", b"7.\n")}, self.base, message="Long")
        whole = RangePair(range1=f"{self.base}..{old}", range2=f"{self.base}..{new}")
        first, *rest = await self.replies_for(range_pair=whole)
        self.assertEqual(first.from_commit_id, old)
        self.assertGreater(len(rest), 1)
        self.assertEqual({reply.from_commit_id for reply in rest}, {""})
        self.assertEqual({len(reply.patch_data) for reply in [first, *rest[:-1]]}, {MESSAGE})
        self.assertEqual([reply.end_of_patch for reply in [first, *rest]], [False] * len(rest) + [True])
        printed = self.printed(whole.range1, whole.range2).splitlines(keepends=True)
        self.assertEqual(b"".join(reply.patch_data for reply in [first, *rest]), b"".join(line[4:] for line in printed[1:]))

    async def test_many(self):
        """
        With ten commits git pads the numbers.
        """
        old = self.base
        for number in range(12):
            old = self.commit({b"n": b"%d\n" % number}, old, message=f"Number {number}")
        found = await self.replies_for(range_pair=RangePair(range1=f"{self.base}..{old}", range2=f"{self.base}..{old}"))
        self.assertEqual([reply.commit_message_title for reply in found], [f"Number {number}" for number in range(12)])

    async def test_refused(self):
        """
        What is wrong is told with the method's name where git says so.
        """
        refused = await self.refusal(self.call("RangeDiff", revision_range=RevisionRange(rev1="nope", rev2="made")))
        self.assertEqual((refused[0], refused[1].rstrip("0123456789")), (Code.FAILED_PRECONDITION, "RangeDiff: exit status "))
        refused = await self.refusal(self.call("RangeDiff", range_pair=RangePair(range1="x")))
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "empty Range2"))
        self.assertEqual(
            await self.refusal(self.call("RangeDiff", repository=None)), (Code.INVALID_ARGUMENT, "repository not set")
        )
