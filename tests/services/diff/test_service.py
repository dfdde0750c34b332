"""
What all methods of :mod:`gitaly_tx.services.diff` that compare two commits have in common.
"""

from __future__ import annotations

from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code
from gitaly_tx.rpc.interfaces import IMethods
from protocols.gitaly.shared_pb2 import Repository

from .case import DiffCase

METHODS = ("CommitDiff", "CommitDelta", "RawDiff", "RawPatch", "DiffStats")

UNKNOWN = "deadbeef" * 5


class SidesTests(DiffCase):
    """
    ``left_commit_id`` and ``right_commit_id``
    """

    def commits(self) -> None:
        self.left = self.commit({b"a": b"1\n"})

    async def refused(self, method: str, **fields: object) -> tuple[Code, str]:
        """
        How a method refuses.
        """
        if method.startswith("Raw"):
            return await self.refusal(self.sent(method, **fields))
        return await self.refusal(self.call(method, **fields))

    def test_interface(self):
        """
        The service is one.
        """
        self.assertTrue(verifyObject(IMethods, self.service))

    async def test_order(self):
        """
        The repository is checked first, then the left side, then the right one.
        """
        missing = Repository(storage_name="default", relative_path="nope.git")
        for method in METHODS:
            for fields, expected in (
                ({"repository": None}, (Code.INVALID_ARGUMENT, "repository not set")),
                ({"repository": missing}, (Code.NOT_FOUND, "repository not found")),
                ({}, (Code.INVALID_ARGUMENT, "empty LeftCommitId")),
                ({"right_commit_id": "x"}, (Code.INVALID_ARGUMENT, "empty LeftCommitId")),
                ({"left_commit_id": "x"}, (Code.INVALID_ARGUMENT, "empty RightCommitId")),
            ):
                self.assertEqual(await self.refused(method, **fields), expected, f"{method} {fields}")
        self.assertEqual(self.started, [])

    async def test_unknown(self):
        """
        git's exit status tells that there is no such commit.
        """
        for method in METHODS:
            code = Code.INTERNAL if method.startswith("Raw") else Code.FAILED_PRECONDITION
            for sides in ((UNKNOWN, self.left), (self.left, UNKNOWN), ("nope", self.left)):
                refused = await self.refused(method, left_commit_id=sides[0], right_commit_id=sides[1])
                self.assertEqual(refused, (code, "exit status 128"), method)
        await self.no_children()

    async def test_option(self):
        """
        A revision that git could take for an option never gets there.
        """
        for method in ("CommitDiff", "CommitDelta", "RawDiff", "DiffStats"):
            refused = await self.refused(method, left_commit_id="--output=x", right_commit_id=self.left)
            text = "cmd: positional arg \"--output=x\" cannot start with dash '-': invalid argument"
            self.assertEqual(refused, (Code.INTERNAL, text), method)
        self.assertEqual(self.started, [])

    async def test_one_child(self):
        """
        One git does the work.
        """
        sides = {"left_commit_id": self.left, "right_commit_id": "made^{tree}"}
        for method in ("CommitDiff", "CommitDelta", "DiffStats"):
            self.assertEqual(await self.replies(self.call(method, **sides)), [])
        self.assertEqual(self.started, ["diff"] * 3)
