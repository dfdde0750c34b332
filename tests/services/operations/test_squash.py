"""
Ranges of commits made one.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.errors import Code
from protocols.gitaly import operations_pb2 as pb
from protocols.gitaly.errors_pb2 import MergeConflictError, ResolveRevisionError
from protocols.gitaly.shared_pb2 import User

from . import case, mergecase

AUTHOR = User(name=b"Beta", email=b"beta@example.org", timezone="America/New_York")


class SquashTests(mergecase.MergeCase):
    """
    ``UserSquash``.
    """

    def squash(self, **fields: Any) -> Any:
        """
        Call it: ``side`` into ``main``.
        """
        usual = {"start_sha": "main", "end_sha": str(self.side), "author": AUTHOR, "commit_message": b"squash"}
        return self.call("UserSquash", **{**usual, **fields})

    async def test_squash(self) -> None:
        """
        The commit has the start as its only parent, and nobody's ref points at it. The message ends in a newline.
        """
        refs = self.refs()
        for message in (b"squash", b"squash\n"):
            response = await self.squash(commit_message=message, timestamp=case.at(1500000000))
            self.assertEqual(
                self.shown(response.squash_sha),
                [
                    f"parent {self.main}",
                    "author Beta <beta@example.org> 1500000000 -0400",
                    "committer Alpha <alpha@example.org> 1500000000 +0530",
                    "",
                    "squash",
                    "",
                ],
            )
        self.assertEqual(self.history.files(response.squash_sha), {**mergecase.BASE, "a": "0\n1\n2\n3\n4\n"})
        self.assertEqual(self.refs(), refs)
        self.assertEqual(self.application.asked, [])
        self.nothing_staged()

    async def test_unrelated(self) -> None:
        """
        The two need have nothing in common.
        """
        response = await self.squash(end_sha="other")
        self.assertEqual(sorted(self.history.files(response.squash_sha)), ["a", "d/e", "o"])

    async def test_invalid(self) -> None:
        """
        What is wrong is told in Gitaly's order.
        """
        for change, text in (
            ({"repository": pb.UserSquashRequest().repository, "user": None}, "repository not set"),
            ({"user": None, "start_sha": ""}, "empty User"),
            ({"user": User(email=b"a")}, "empty user name"),
            ({"user": User(name=b"a"), "start_sha": ""}, "empty user email"),
            ({"start_sha": "", "end_sha": ""}, "empty StartSha"),
            ({"end_sha": "", "commit_message": b""}, "empty EndSha"),
            ({"commit_message": b"", "author": None}, "empty CommitMessage"),
            ({"author": None}, "empty Author"),
            ({"author": User(email=b"a")}, "empty author name"),
            ({"author": User(name=b"a"), "start_sha": "nope"}, "empty author email"),
            ({"user": User(name=b"a", email=b"a", timezone="x")}, "unknown time zone x"),
            ({"author": User(name=b"a", email=b"a", timezone="x")}, "unknown time zone x"),
        ):
            with self.subTest(text=text):
                await self.refused(self.squash(**change), Code.INVALID_ARGUMENT, text)

    async def test_unknown(self) -> None:
        """
        A revision that is no commit is named.
        """
        for field, text in (("start_sha", "start"), ("end_sha", "end")):
            for revision in ("nope", "1" * 40, "main:a", "--all"):
                await self.refused(
                    self.squash(**{field: revision}),
                    Code.INVALID_ARGUMENT,
                    f"resolving {text} revision: reference not found",
                    pb.UserSquashError(resolve_revision=ResolveRevisionError(revision=revision.encode())),
                )

    async def test_conflict(self) -> None:
        """
        The paths that conflict are told, and the two commits.
        """
        conflict = MergeConflictError(conflicting_files=[b"a"], conflicting_commit_ids=[str(self.main), str(self.clash)])
        await self.refused(
            self.squash(end_sha="clash"),
            Code.FAILED_PRECONDITION,
            "squashing commits: merge: there are conflicting files",
            pb.UserSquashError(rebase_conflict=conflict),
        )

    async def test_failed(self) -> None:
        """
        A commit that cannot be made is an error.
        """
        text = "squashing commits: could not create merge commit: name consists only of disallowed characters"
        await self.refused(self.squash(author=User(name=b".", email=b"a")), Code.INTERNAL, text)
        self.nothing_staged()
