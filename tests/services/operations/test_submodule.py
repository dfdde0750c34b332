"""
Submodules that users set to another commit.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.errors import Code
from protocols.gitaly import operations_pb2 as pb
from protocols.gitaly.shared_pb2 import Repository, User

from . import case

ONE, TWO = "1" * 40, "2" * 40


class SubmoduleTests(case.OperationCase):
    """
    ``UserUpdateSubmodule``.
    """

    def fill(self) -> None:
        """
        Two submodules, a file and a directory.
        """
        self.first = self.commit({"README": "x", "160000 sub": ONE, "160000 dir/sub": ONE, "dir/file": "x"})

    def update(self, **fields: Any) -> Any:
        """
        Call it.
        """
        given = {"commit_sha": TWO, "branch": b"main", "submodule": b"sub", "commit_message": b"m", **fields}
        return self.call("UserUpdateSubmodule", **given)

    async def test_update(self) -> None:
        """
        Only the submodule changes, in a commit of the user's on the branch.
        """
        for path, given in (("sub", b"sub"), ("dir/sub", b"dir/x/../sub/")):
            before = self.tree("main")
            parent = self.oid("main")
            reply = await self.update(submodule=given)
            self.assertEqual(self.refs()["refs/heads/main"], reply.branch_update.commit_id)
            self.assertEqual(self.tree("main"), {**before, path: ("160000", TWO)})
            content = self.run_git("cat-file", "commit", "main").split("\n")
            who = f"Alpha <alpha@example.org> {case.NOW} +0530"
            self.assertEqual(content[1:], [f"parent {parent}", f"author {who}", f"committer {who}", "", "m"])
        self.nothing_staged()

    async def test_invalid(self) -> None:
        """
        What is missing is told in Gitaly's order.
        """
        for change, text in (
            ({"repository": Repository(), "user": None}, "repository not set"),
            ({"user": None, "commit_sha": ""}, "empty User"),
            ({"commit_sha": "", "branch": b""}, "empty CommitSha"),
            ({"commit_sha": "xyz", "branch": b""}, "invalid CommitSha"),
            ({"branch": b"", "submodule": b""}, "empty Branch"),
            ({"submodule": b"", "commit_message": b""}, "empty Submodule"),
            ({"commit_message": b""}, "empty CommitMessage"),
            ({"branch": b"refs/heads/main"}, "Cannot find branch"),
            (
                {"expected_old_oid": "xyz"},
                'invalid expected old object ID: invalid object ID: "xyz", expected length 40, got 3',
            ),
            ({"expected_old_oid": TWO}, "cannot resolve expected old object ID: reference not found"),
            ({"user": User(name=b"a", timezone="Mars")}, "unknown time zone Mars"),
        ):
            with self.subTest(text=text):
                await self.refused(self.update(**change), Code.INVALID_ARGUMENT, text)

    async def test_not_updated(self) -> None:
        """
        What cannot be done is told in the reply.
        """
        second = self.commit({"x": "x"})
        for change, text in (
            ({"submodule": b"nope"}, "Invalid submodule path"),
            ({"submodule": b"README"}, "Invalid submodule path"),
            ({"submodule": b"dir"}, "Invalid submodule path"),
            ({"submodule": b"sub/x"}, "Invalid submodule path"),
            ({"submodule": b"./sub", "commit_sha": ONE}, f"The submodule ./sub is already at {ONE}"),
            ({"expected_old_oid": self.first}, "Could not update refs/heads/main. Please refresh and try again."),
        ):
            with self.subTest(change=change):
                self.assertEqual(await self.update(**change), pb.UserUpdateSubmoduleResponse(commit_error=text))
        self.hook("pre-receive", "echo no; exit 1")
        self.assertEqual(await self.update(), pb.UserUpdateSubmoduleResponse(pre_receive_error="no\n"))
        self.assertEqual(self.refs()["refs/heads/main"], second)
        self.nothing_staged()

    async def test_empty(self) -> None:
        """
        Without a branch there is no submodule.
        """
        self.run_git("update-ref", "-d", "refs/heads/main")
        self.assertEqual((await self.update()).commit_error, "Repository is empty")

    async def test_failed(self) -> None:
        """
        What is wrong with the path itself, or with the user, is an error; so is what the application says.
        """
        for change, text in (
            ({"submodule": b"../sub"}, "submodule subcommand: modifying tree: path contains traversal"),
            ({"submodule": b"/sub"}, "submodule subcommand: modifying tree: path is absolute"),
            ({"submodule": b"a/.."}, "submodule subcommand: modifying tree: path is empty"),
            ({"submodule": b".git/sub"}, "submodule subcommand: modifying tree: disallowed path"),
            ({"user": User()}, "submodule subcommand: creating commit missing author name"),
        ):
            with self.subTest(text=text):
                await self.refused(self.update(**change), Code.INTERNAL, text)
        self.application.denies = "no"
        text = "updating ref with hooks: running pre-receive hooks: GitLab: no"
        await self.refused(self.update(), Code.INTERNAL, text)
        self.application.denies, self.application.complains = None, "late"
        text = "updating ref with hooks: running post-receive hooks: late"
        await self.refused(self.update(), Code.INTERNAL, text)
