"""
Changes undone.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.errors import Code
from protocols.gitaly import operations_pb2 as pb
from protocols.gitaly.errors_pb2 import (
    ChangesAlreadyAppliedError,
    CustomHookError,
    MergeConflictError,
    NotAncestorError,
)
from protocols.gitaly.shared_pb2 import GitCommit, User

from . import mergecase

STRICT = {"gitaly-feature-return-structured-errors-in-revert": ("true",)}


class RevertTests(mergecase.MergeCase):
    """
    ``UserRevert``.
    """

    metadata: dict[str, tuple[str]] = {}

    def revert(self, oid: object = None, **fields: Any) -> Any:
        """
        Call it: ``main`` on ``main``.
        """
        usual = {"commit": GitCommit(id=str(oid or self.main)), "branch_name": b"main", "message": b"undo"}
        return self.call("UserRevert", **{**usual, **fields})

    async def test_revert(self) -> None:
        """
        The user is author and committer, and the change is gone.
        """
        response = await self.revert()
        update = pb.OperationBranchUpdate(commit_id=self.refs()["refs/heads/main"])
        self.assertEqual(response, pb.UserRevertResponse(branch_update=update))
        expected = [f"parent {self.main}", f"author {mergecase.IDENT}", f"committer {mergecase.IDENT}", "", "undo"]
        self.assertEqual(self.shown("main"), expected)
        self.assertEqual(self.history.files("main"), mergecase.BASE)
        self.nothing_staged()

    async def test_later(self) -> None:
        """
        What came after the change stays.
        """
        later = self.branch("main", {**mergecase.BASE, "a": "0\n1\n2\n3\n", "n": "n"}, self.main)
        await self.revert()
        self.assertEqual(self.history.files("main"), {**mergecase.BASE, "n": "n"})
        self.assertEqual(self.shown("main")[0], f"parent {later}")

    async def test_root(self) -> None:
        """
        Without a parent, all of a commit is undone.
        """
        commit = self.branch("more", {"o": "o\n", "n": "n\n"}, self.other)
        await self.revert(self.other, branch_name=b"more")
        self.assertEqual(self.history.files("more"), {"n": "n\n"})
        self.assertEqual(self.shown("more")[0], f"parent {commit}")
        await self.revert(self.other, branch_name=b"other")
        self.assertEqual(self.history.files("other"), {})
        self.nothing_staged()

    async def test_new_branch(self) -> None:
        """
        The branch is made if it is not there; for a try, at the start.
        """
        response = await self.revert(branch_name=b"new", start_branch_name=b"main")
        self.assertTrue(response.branch_update.branch_created)
        response = await self.revert(branch_name=b"try", start_branch_name=b"main", dry_run=True)
        self.assertEqual(response.branch_update.commit_id, str(self.main))
        self.assertEqual(self.refs()["refs/heads/try"], str(self.main))

    async def test_invalid(self) -> None:
        """
        What is wrong is told in Gitaly's order.
        """
        invalid = Code.INVALID_ARGUMENT
        zone = User(name=b"A", email=b"a", timezone="x")
        for change, code, text in (
            ({"repository": pb.UserRevertRequest().repository, "user": None}, invalid, "repository not set"),
            ({"user": None, "commit": None}, invalid, "empty User"),
            ({"commit": None, "branch_name": b""}, invalid, "empty Commit"),
            ({"branch_name": b"", "message": b""}, invalid, "empty BranchName"),
            ({"message": b"", "branch_name": b"nope"}, invalid, "empty Message"),
            ({"branch_name": b"nope", "user": zone}, invalid, "resolve start ref: reference not found"),
            ({"user": zone, "commit": GitCommit(id="nope")}, invalid, "unknown time zone x"),
            ({"commit": GitCommit(id="nope")}, Code.NOT_FOUND, "revert commit lookup: commit not found"),
            (
                {"expected_old_oid": "x"},
                invalid,
                'invalid expected old object ID: invalid object ID: "x", expected length 40, got 1',
            ),
            ({"user": User(name=b".", email=b"a")}, Code.INTERNAL, "write commit: name consists only of disallowed characters"),
        ):
            with self.subTest(text=text):
                await self.refused(self.revert(**change), code, text)
        self.nothing_staged()

    async def test_soft(self) -> None:
        """
        Without the caller's flag, the reasons are in the response.
        """
        for response, expected in (
            (
                await self.revert(self.clash),
                pb.UserRevertResponse(
                    create_tree_error="revert: could not apply due to conflicts", create_tree_error_code="CONFLICT"
                ),
            ),
            (
                await self.revert(branch_name=b"new", start_branch_name=bytes(self.base)),
                pb.UserRevertResponse(
                    create_tree_error="revert: could not apply because the result was empty", create_tree_error_code="EMPTY"
                ),
            ),
            (
                await self.revert(branch_name=b"clash", start_branch_name=b"main"),
                pb.UserRevertResponse(commit_error="Branch diverged"),
            ),
        ):
            self.assertEqual(response, expected)
        self.hook("pre-receive", "echo no; exit 1")
        self.assertEqual(await self.revert(), pb.UserRevertResponse(pre_receive_error="no\n"))
        self.assertEqual(self.refs()["refs/heads/main"], str(self.main))

    async def test_strict(self) -> None:
        """
        With it they are errors.
        """
        self.metadata = STRICT
        precondition = Code.FAILED_PRECONDITION
        details = pb.UserRevertError(merge_conflict=MergeConflictError(conflicting_files=[b"a"]))
        await self.refused(self.revert(self.clash), precondition, "revert: there are conflicting files", details)
        details = pb.UserRevertError(changes_already_applied=ChangesAlreadyAppliedError())
        empty = self.revert(branch_name=b"new", start_branch_name=bytes(self.base))
        await self.refused(empty, precondition, "revert: could not apply because the result was empty", details)
        error = await self.error(self.revert(branch_name=b"clash", start_branch_name=b"main"))
        self.assertEqual((error.code, error.message), (precondition, "revert: branch diverged"))
        (details,) = error.details
        diverged = NotAncestorError(parent_revision=bytes(self.clash), child_revision=details.not_ancestor.child_revision)
        self.assertEqual(details, pb.UserRevertError(not_ancestor=diverged))
        self.hook("pre-receive", "echo no; exit 1")
        hook = CustomHookError(stdout=b"no\n", hook_type=CustomHookError.HOOK_TYPE_PRERECEIVE)
        details = pb.UserRevertError(custom_hook=hook)
        await self.refused(self.revert(), Code.PERMISSION_DENIED, "revert: custom hook error", details)

    async def test_not_moved(self) -> None:
        """
        The application's words, and what became of the ref, are errors with the flag and without.
        """
        for self.metadata in ({}, STRICT):
            self.application.denies = None
            text = "update reference with hooks: reference update: reference does not point to expected object"
            await self.refused(self.revert(expected_old_oid=str(self.base)), Code.INTERNAL, text)
            self.application.denies = "no"
            text = "update reference with hooks: running pre-receive hooks: GitLab: no"
            await self.refused(self.revert(), Code.INTERNAL, text)
        self.application.denies, self.application.complains = None, "late"
        await self.refused(self.revert(), Code.INTERNAL, "update reference with hooks: running post-receive hooks: late")


class SHA256Tests(mergecase.MergeCase):
    """
    The same with the longer ids.
    """

    object_format = "sha256"

    async def test_revert(self) -> None:
        """
        All of a commit is undone.
        """
        commit = GitCommit(id=str(self.other))
        await self.call("UserRevert", commit=commit, branch_name=b"other", message=b"undo")
        self.assertEqual(self.history.files("other"), {})
