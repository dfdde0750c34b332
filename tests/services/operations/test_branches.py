"""
Branches that users create, move and delete.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.errors import Code
from protocols.gitaly import operations_pb2 as pb
from protocols.gitaly.errors_pb2 import AccessCheckError, CustomHookError, ReferenceUpdateError
from protocols.gitaly.shared_pb2 import Repository

from . import case

FULL = CustomHookError.HOOK_TYPE_PRERECEIVE, CustomHookError.HOOK_TYPE_UPDATE


class BranchCase(case.OperationCase):
    """
    A repository with two commits.
    """

    def fill(self) -> None:
        """
        ``main`` is ahead of ``old``.
        """
        self.first = self.commit({"a": "1"})
        self.run_git("update-ref", "refs/heads/old", self.first)
        self.second = self.commit({"a": "2"})
        self.run_git("tag", "-a", "-m", "tag", "v1", self.first)
        self.blob = self.run_git("rev-parse", "main:a")


class CreateTests(BranchCase):
    """
    ``UserCreateBranch``.
    """

    async def test_create(self) -> None:
        """
        Any name of a commit is a start; the name is always taken below ``refs/heads/``.
        """
        for start, target in ((b"main", self.second), (b"v1", self.first), (self.first.encode(), self.first)):
            with self.subTest(start=start):
                name = b"refs/heads/new-" + start
                response = await self.call("UserCreateBranch", branch_name=name, start_point=start)
                self.assertEqual((response.branch.name, response.branch.target_commit.id), (name, target))
                self.assertEqual(response.branch.target_commit.author.name, b"C")
                self.assertEqual(self.refs()["refs/heads/" + name.decode()], target)
        self.nothing_staged()

    async def test_invalid(self) -> None:
        """
        What is missing is told in Gitaly's order, before anything is looked up.
        """
        fields: dict[str, Any] = {"branch_name": b"new", "start_point": b"main"}
        for change, text in (
            ({"repository": None, "branch_name": b""}, "repository not set"),
            ({"branch_name": b"", "user": None}, "empty branch name"),
            ({"user": None, "start_point": b""}, "empty user"),
            ({"start_point": b""}, "empty start point"),
        ):
            with self.subTest(text=text):
                called = self.call("UserCreateBranch", **{"repository": case.NAME, **fields, **change})
                await self.refused(called, Code.INVALID_ARGUMENT, text)

    async def test_unknown_start(self) -> None:
        """
        What is no commit cannot be a start, whatever it looks like.
        """
        for start in (b"nope", b"--all", b"main:a", b"\xff", b"a\nb", b"0" * 40):
            with self.subTest(start=start):
                text = f"revspec '{start.decode('utf-8', 'replace')}' not found"
                called = self.call("UserCreateBranch", branch_name=b"new", start_point=start)
                await self.refused(called, Code.FAILED_PRECONDITION, text)

    async def test_impossible_names(self) -> None:
        """
        The ref's own reasons come last.
        """
        for name, why in (
            (b"main", "reference already exists"),
            (b"main/x", "file directory conflict"),
            (b"a b", "invalid reference format"),
            (b"a..b", "invalid reference format"),
        ):
            with self.subTest(name=name):
                called = self.call("UserCreateBranch", branch_name=name, start_point=b"main")
                await self.refused(called, Code.FAILED_PRECONDITION, f"reference update: {why}")
        self.nothing_staged()

    async def test_denied(self) -> None:
        """
        Hooks refuse with typed details, the application without.
        """
        for hook, kind in (("pre-receive", FULL[0]), ("update", FULL[1])):
            self.hook(hook, "echo out; echo no >&2; exit 1")
            details = pb.UserCreateBranchError(custom_hook=CustomHookError(stdout=b"out\n", stderr=b"no\n", hook_type=kind))
            called = self.call("UserCreateBranch", branch_name=b"new", start_point=b"main")
            await self.refused(called, Code.PERMISSION_DENIED, "creation denied by custom hooks", details)
            self.hook(hook, "exit 0")
        self.application.denies = "no"
        called = self.call("UserCreateBranch", branch_name=b"new", start_point=b"main")
        await self.refused(called, Code.INTERNAL, "running pre-receive hooks: GitLab: no")
        self.assertNotIn("refs/heads/new", self.refs())

    async def test_writer(self) -> None:
        """
        Hooks and the application are told who it is, and that there may be new objects.
        """
        self.hook(
            "pre-receive", 'test "$GL_ID $GL_PROTOCOL $CORRELATION_ID" = "user-1 web abc" && test -d "$GIT_OBJECT_DIRECTORY"'
        )
        await self.call("UserCreateBranch", branch_name=b"new", start_point=b"main")
        (push,) = self.application.asked
        self.assertEqual((push.user, push.gl_repository, push.project_path), ("alpha", "project-1", "team/thing"))
        self.assertIsNotNone(push.repository.directory.object_directory)


class UpdateTests(BranchCase):
    """
    ``UserUpdateBranch``.
    """

    def update(self, name: bytes, old: str, new: str, **more: Any) -> Any:
        """
        Call it.
        """
        return self.call("UserUpdateBranch", branch_name=name, oldrev=old.encode(), newrev=new.encode(), **more)

    async def test_update(self) -> None:
        """
        A branch is moved anywhere, made, and deleted.
        """
        zero = str(self.zero)
        for name, old, new in (
            (b"old", self.first, self.second),
            (b"old", self.second, self.first),
            (b"new", zero, self.first),
            (b"new", self.first, zero),
        ):
            self.assertEqual(await self.update(name, old, new), pb.UserUpdateBranchResponse())
            self.assertEqual(self.refs().get(f"refs/heads/{name.decode()}", zero), new)
        self.nothing_staged()

    async def test_invalid(self) -> None:
        """
        What is missing or malformed is told in Gitaly's order.
        """
        for change, code, text in (
            ({"repository": Repository(), "user": None}, Code.INVALID_ARGUMENT, "repository not set"),
            ({"user": None, "branch_name": b""}, Code.INVALID_ARGUMENT, "empty user"),
            ({"branch_name": b"", "oldrev": b""}, Code.INVALID_ARGUMENT, "empty branch name"),
            ({"oldrev": b"", "newrev": b""}, Code.INVALID_ARGUMENT, "empty oldrev"),
            ({"newrev": b""}, Code.INVALID_ARGUMENT, "empty newrev"),
            (
                {"newrev": b"abc", "oldrev": b"x"},
                Code.INTERNAL,
                'could not parse newrev: invalid object ID: "abc", expected length 40, got 3',
            ),
            (
                {"oldrev": b"\xff" * 40},
                Code.INTERNAL,
                'could not parse oldrev: invalid object ID: "' + "\\xff" * 40 + "\", invalid character '\ufffd'",
            ),
        ):
            with self.subTest(text=text):
                fields = {"branch_name": b"old", "oldrev": self.first.encode(), "newrev": self.second.encode(), **change}
                await self.refused(self.call("UserUpdateBranch", **fields), code, text)

    async def test_not_updated(self) -> None:
        """
        All that stands in the way has one text.
        """
        for name, old, new in (
            (b"old", self.second, self.first),
            (b"nope", self.first, self.second),
            (b"old", self.first, "1" * 40),
            (b"old", self.first, self.blob),
            (b"a b", str(self.zero), self.first),
        ):
            with self.subTest(name=name, new=new):
                text = f"Could not update {name.decode()}. Please refresh and try again."
                await self.refused(self.update(name, old, new), Code.FAILED_PRECONDITION, text)
        text = "Could not update old. Please refresh and try again."
        for self.application.denies, self.application.unasked in (("no", None), (None, "repository not set")):
            await self.refused(self.update(b"old", self.first, self.second), Code.FAILED_PRECONDITION, text)
            self.assertEqual(self.refs()["refs/heads/old"], self.first)
        self.application.unasked = None
        self.application.denies, self.application.complains = None, "late"
        await self.refused(self.update(b"old", self.first, self.second), Code.FAILED_PRECONDITION, text)
        self.assertEqual(self.refs()["refs/heads/old"], self.second)

    async def test_queue_stopped(self) -> None:
        """
        A server that takes no writes says so in its own words.
        """
        await self.stack.queue.stop()
        error = await self.error(self.update(b"old", self.first, self.second))
        self.assertEqual(error.code, Code.UNAVAILABLE)

    async def test_hook(self) -> None:
        """
        A hook's words are no error.
        """
        self.hook("update", "echo no; exit 1")
        response = await self.update(b"old", self.first, self.second)
        self.assertEqual(response.pre_receive_error, "no\n")
        self.assertEqual(self.refs()["refs/heads/old"], self.first)


class DeleteTests(BranchCase):
    """
    ``UserDeleteBranch``.
    """

    async def test_delete(self) -> None:
        """
        A branch is deleted, if it is what the caller believes, and even if HEAD is a name for it.
        """
        await self.call("UserDeleteBranch", branch_name=b"old", expected_old_oid=self.first)
        await self.call("UserDeleteBranch", branch_name=b"main")
        self.assertEqual(list(self.refs()), ["refs/tags/v1"])
        self.assertEqual(self.run_git("symbolic-ref", "HEAD"), "refs/heads/main")

    async def test_invalid(self) -> None:
        """
        What is missing is told in Gitaly's order.
        """
        for change, code, text in (
            ({"repository": Repository(), "branch_name": b""}, Code.INVALID_ARGUMENT, "repository not set"),
            ({"branch_name": b"", "user": None}, Code.INVALID_ARGUMENT, "bad request: empty branch name"),
            ({"user": None}, Code.INVALID_ARGUMENT, "bad request: empty user"),
            ({"branch_name": b'no"pe'}, Code.FAILED_PRECONDITION, 'branch not found: "no\\"pe"'),
            (
                {"expected_old_oid": "abc"},
                Code.INVALID_ARGUMENT,
                'invalid expected old object ID: invalid object ID: "abc", expected length 40, got 3',
            ),
            (
                {"expected_old_oid": "0" * 40},
                Code.INVALID_ARGUMENT,
                "cannot resolve expected old object ID: reference not found",
            ),
        ):
            with self.subTest(text=text):
                await self.refused(self.call("UserDeleteBranch", **{"branch_name": b"old", **change}), code, text)

    async def test_refused(self) -> None:
        """
        Each reason has its text and its details.
        """
        name = "refs/heads/old"
        self.hook("pre-receive", "echo no; exit 1")
        hook = CustomHookError(stdout=b"no\n", hook_type=CustomHookError.HOOK_TYPE_PRERECEIVE)
        await self.refused(
            self.call("UserDeleteBranch", branch_name=b"old"),
            Code.PERMISSION_DENIED,
            "deletion denied by custom hooks: running pre-receive hooks: no\n",
            pb.UserDeleteBranchError(custom_hook=hook),
        )
        self.application.denies = "no"
        changes = f"{self.first} {self.zero} {name}\n".encode()
        access = AccessCheckError(error_message="no", protocol="web", user_id="user-1", changes=changes)
        await self.refused(
            self.call("UserDeleteBranch", branch_name=b"old"),
            Code.PERMISSION_DENIED,
            "deletion denied by access checks: running pre-receive hooks: GitLab: no",
            pb.UserDeleteBranchError(access_check=access),
        )
        self.hook("pre-receive", "exit 0")
        self.application.denies = None
        update = ReferenceUpdateError(reference_name=name.encode(), old_oid=self.second, new_oid=str(self.zero))
        await self.refused(
            self.call("UserDeleteBranch", branch_name=b"old", expected_old_oid=self.second),
            Code.FAILED_PRECONDITION,
            "reference update failed: reference update: reference does not point to expected object",
            pb.UserDeleteBranchError(reference_update=update),
        )
        self.assertEqual(self.refs()[name], self.first)
        self.application.complains = "late"
        await self.refused(
            self.call("UserDeleteBranch", branch_name=b"old"),
            Code.INTERNAL,
            "deleting reference: running post-receive hooks: late",
        )
        self.assertNotIn(name, self.refs())
