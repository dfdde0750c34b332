"""
``CommitIsAncestor``, ``CountCommits`` and ``CountDivergingCommits``
"""

from __future__ import annotations

import os
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from protocols.gitaly.shared_pb2 import GlobalOptions

from .case import CommitCase


class AncestorTests(CommitCase):
    """
    ``CommitIsAncestor``
    """

    async def value(self, ancestor: str, child: str) -> bool:
        """
        The answer.
        """
        reply = await self.asked("CommitIsAncestor", ancestor_id=ancestor, child_id=child)
        return bool(reply.value)

    async def test_answers(self):
        """
        Of commits that are there; nothing that is missing is an ancestor.
        """
        ids = self.ids
        for ancestor, child, expected in (
            (ids["one"], ids["merge"], True),
            (ids["two"], ids["three"], False),
            (ids["merge"], ids["one"], False),
            ("v1", "main", True),
            ("12" * 20, ids["one"], False),
            (ids["one"], "12" * 20, False),
            ("nope", "main", False),
        ):
            self.assertEqual(await self.value(ancestor, child), expected)

    async def test_same(self):
        """
        A commit is its own ancestor, which needs no child, but for one that is missing.
        """
        self.assertTrue(await self.value(self.ids["one"], self.ids["one"]))
        self.assertFalse(await self.value("12" * 20, "12" * 20))
        self.assertFalse(await self.value("main^{tree}", "main^{tree}"))
        self.assertEqual(self.started, [])

    async def test_refused(self):
        """
        Both are needed, and neither may look like an option.
        """
        for ancestor, child, expected in (
            ("", "a", "INVALID_ARGUMENT empty ancestor sha"),
            ("a", "", "INVALID_ARGUMENT empty child sha"),
            ("-x", "a", "INTERNAL positional arg \"-x\" cannot start with dash '-': invalid argument"),
            ("-x", "-x", "INTERNAL positional arg \"-x\" cannot start with dash '-': invalid argument"),
        ):
            self.assertEqual(await self.refused("CommitIsAncestor", ancestor_id=ancestor, child_id=child), expected)


class CountTests(CommitCase):
    """
    ``CountCommits``
    """

    async def test_counted(self):
        """
        The commits that a walk finds, by all that a request may say.
        """
        at = Timestamp
        for fields, expected in (
            ({"revision": b"main"}, 4),
            ({"revision": b"side"}, 2),
            ({"revision": b"side..main"}, 2),
            ({"all": True}, 4),
            ({"revision": b"nope", "all": True}, 4),
            ({"revision": b"main", "max_count": 3}, 3),
            ({"revision": b"main", "first_parent": True}, 3),
            ({"revision": b"main", "after": at(seconds=2000)}, 3),
            ({"revision": b"main", "before": at(seconds=2000)}, 2),
            ({"revision": b"main", "after": at(seconds=2000), "before": at(seconds=3000, nanos=5)}, 2),
            ({"revision": b"main", "path": b"README"}, 2),
            ({"revision": b"main", "path": b"READ*"}, 2),
            ({"revision": b"main", "path": b"READ*", "global_options": GlobalOptions(literal_pathspecs=True)}, 0),
            ({"revisions": [b"main", b"--not", b"side"]}, 2),
            ({"revisions": [b"--branches=si*"], "revision": b"main"}, 2),
            ({"revisions": [b"main", b"^v1"]}, 3),
        ):
            self.assertEqual((await self.asked("CountCommits", **fields)).count, expected, fields)

    async def test_bitmap(self):
        """
        With a bitmap the numbers are the same, whatever is asked for.
        """
        at = Timestamp
        asked: list[dict[str, Any]] = [
            {"revision": b"main"},
            {"revision": b"main", "first_parent": True},
            {"revision": b"main", "after": at(seconds=2000), "before": at(seconds=3000)},
            {"revision": b"main", "path": b"README"},
            {"revision": b"main", "max_count": 2},
            {"revisions": [b"main", b"^side"]},
            {"all": True},
        ]
        before = [(await self.asked("CountCommits", **fields)).count for fields in asked]
        self.assertEqual(before, [4, 3, 2, 2, 2, 2, 4])
        self.run_git("repack", "-a", "-d", "-b", "-q")
        self.assertTrue(any(name.endswith(".bitmap") for name in os.listdir(os.path.join(self.directory.objects, "pack"))))
        self.assertEqual([(await self.asked("CountCommits", **fields)).count for fields in asked], before)

    async def test_unresolved(self):
        """
        A revision that stands for nothing has no commits.
        """
        for fields in ({"revision": b"nope"}, {"revision": b"12" * 20}, {"revisions": [b"main", b"nope"]}):
            self.assertEqual((await self.asked("CountCommits", **fields)).count, 0)

    async def test_refused(self):
        """
        Something to begin with is needed.
        """
        self.assertEqual(await self.refused("CountCommits"), "INVALID_ARGUMENT empty Revision and false All")
        self.assertEqual(
            await self.refused("CountCommits", revisions=[b"main", b"--exec=x"]), "INVALID_ARGUMENT revision can't start with '-'"
        )


class DivergingTests(CommitCase):
    """
    ``CountDivergingCommits``
    """

    async def test_counted(self):
        """
        What each side has that the other has not.
        """
        for before, after, limit, expected in (
            ("main", "side", 0, (2, 0)),
            ("main~1", "side", 0, (1, 1)),
            ("main", "main", 0, (0, 0)),
            ("main", "v1", 0, (3, 0)),
            ("main", "v1", 2, (2, 0)),
        ):
            fields = {"from": before.encode(), "to": after.encode(), "max_count": limit}
            reply = await self.asked("CountDivergingCommits", **fields)
            self.assertEqual((reply.left_count, reply.right_count), expected)

    async def test_refused(self):
        """
        Both are needed, which is said even before the repository is looked for.
        """
        for fields in ({"from": b"main"}, {"to": b"main"}):
            refused = await self.refused("CountDivergingCommits", repository=None, **fields)
            self.assertEqual(refused, "INVALID_ARGUMENT from and to are both required")
        fields = {"from": b"main", "to": b"nope"}
        self.assertEqual(await self.refused("CountDivergingCommits", **fields), "INTERNAL gi rev-list error: exit status 128")
        fields = {"from": b"-x", "to": b"main"}
        self.assertEqual(await self.refused("CountDivergingCommits", **fields), "INVALID_ARGUMENT revision can't start with '-'")
