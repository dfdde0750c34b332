"""
Branches moved forward.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.errors import Code
from protocols.gitaly import operations_pb2 as pb

from . import mergecase


class FFBranchTests(mergecase.MergeCase):
    """
    ``UserFFBranch``.
    """

    def fill(self) -> None:
        """
        ``old`` is behind ``main``.
        """
        super().fill()
        self.history.ref("refs/heads/old", self.base)
        self.history.ref("refs/tags/old", self.side)

    def forward(self, **fields: Any) -> Any:
        """
        Call it: ``old`` to ``main``.
        """
        return self.call("UserFFBranch", **{"branch": b"old", "commit_id": str(self.main), **fields})

    async def test_forward(self) -> None:
        """
        The branch is moved, whatever tag has its name; once more changes nothing, but hooks hear of it.
        """
        update = pb.OperationBranchUpdate(commit_id=str(self.main))
        for _ in range(2):
            self.assertEqual(await self.forward(), pb.UserFFBranchResponse(branch_update=update))
            self.assertEqual(self.refs()["refs/heads/old"], str(self.main))
        self.assertEqual(len(self.application.asked), 2)
        self.nothing_staged()

    async def test_invalid(self) -> None:
        """
        What is wrong is told in Gitaly's order.
        """
        invalid, precondition = Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION
        changes: tuple[tuple[dict[str, Any], Code, str], ...] = (
            ({"repository": pb.UserFFBranchRequest().repository, "branch": b""}, invalid, "repository not set"),
            ({"branch": b"", "user": None}, invalid, "empty branch name"),
            ({"user": None, "commit_id": ""}, invalid, "empty user"),
            ({"commit_id": ""}, invalid, "empty commit id"),
            (
                {"expected_old_oid": "x"},
                invalid,
                'invalid expected old object ID: invalid object ID: "x", expected length 40, got 1',
            ),
            ({"branch": b"nope", "commit_id": "x"}, invalid, "reference not found"),
            ({"commit_id": "main"}, invalid, 'cannot parse commit ID: invalid object ID: "main", expected length 40, got 4'),
            ({"commit_id": "1" * 40}, Code.INTERNAL, f'checking for ancestry: invalid commit: "{"1" * 40}"'),
            ({"commit_id": str(self.other)}, precondition, "not fast forward"),
            ({"branch": b"main", "commit_id": str(self.base)}, precondition, "not fast forward"),
        )
        for change, code, text in changes:
            with self.subTest(text=text):
                await self.refused(self.forward(**change), code, text)

    async def test_no_commit(self) -> None:
        """
        What is no commit has no history.
        """
        blob = str(self.history.write(b"blob", b"x"))
        text = f'checking for ancestry: invalid commit: "{blob}"'
        await self.refused(self.forward(expected_old_oid=blob), Code.INTERNAL, text)
        await self.refused(self.forward(commit_id=blob), Code.INTERNAL, text)

    async def test_damaged(self) -> None:
        """
        Histories that git cannot read cannot be compared.
        """
        self.busy("merge-base", fails=True)
        text = "checking for ancestry: exit status 128"
        await self.refused(self.forward(), Code.INTERNAL, text)

    async def test_soft(self) -> None:
        """
        A hook's words, and a branch that is not what it should be, are no errors.
        """
        self.history.ref("refs/heads/old", self.main)
        response = await self.forward(expected_old_oid=str(self.base))
        self.assertEqual(response, pb.UserFFBranchResponse())
        self.hook("pre-receive", "echo no; exit 1")
        self.assertEqual(await self.forward(), pb.UserFFBranchResponse(pre_receive_error="no\n"))

    async def test_denied(self) -> None:
        """
        The application's words are an error, before the write and after it.
        """
        self.application.denies = "no"
        text = "updating ref with hooks: running pre-receive hooks: GitLab: no"
        await self.refused(self.forward(), Code.INTERNAL, text)
        self.assertEqual(self.refs()["refs/heads/old"], str(self.base))
        self.application.denies, self.application.complains = None, "late"
        text = "updating ref with hooks: running post-receive hooks: late"
        await self.refused(self.forward(), Code.INTERNAL, text)
        self.assertEqual(self.refs()["refs/heads/old"], str(self.main))
