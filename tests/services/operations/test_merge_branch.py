"""
Branches that take in other commits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.rpc.dispatcher import Dispatcher
from protocols.gitaly import operations_pb2 as pb
from protocols.gitaly.errors_pb2 import AccessCheckError, CustomHookError, MergeConflictError, ReferenceUpdateError
from protocols.gitaly.shared_pb2 import User
from tests.support.calls import RecordingExchange
from tests.support.leaks import children

from . import case, mergecase

reactor: Any = installed

APPLY = pb.UserMergeBranchRequest(apply=True)


class MergeBranchTests(mergecase.MergeCase):
    """
    ``UserMergeBranch``.
    """

    def request(self, **fields: Any) -> pb.UserMergeBranchRequest:
        """
        ``side`` into ``main``.
        """
        usual = {
            "repository": case.NAME,
            "user": case.USER,
            "commit_id": str(self.side),
            "branch": b"main",
            "message": b"merge\n",
        }
        return pb.UserMergeBranchRequest(**{name: value for name, value in {**usual, **fields}.items() if value is not None})

    async def merge(self, **fields: Any) -> list[pb.UserMergeBranchResponse]:
        """
        Both rounds.
        """
        called: AsyncIterator[Any] = self.stream("UserMergeBranch", self.request(**fields), APPLY)
        return [reply async for reply in called]

    async def refused_merge(self, code: Code, text: str, *details: Any, **fields: Any) -> None:
        """
        Check how it is refused.
        """
        await self.refused(self.stream("UserMergeBranch", self.request(**fields), APPLY), code, text, *details)

    async def test_merge(self) -> None:
        """
        Two replies; the commit has both sides as its parents, the user as author and committer, and the message as it is.
        """
        self.hook("pre-receive", 'read old new name; git cat-file -e "$new" && echo "$old $name" >"$GIT_DIR/seen"')
        first, second = await self.merge()
        update = pb.OperationBranchUpdate(commit_id=first.commit_id)
        self.assertEqual(first, pb.UserMergeBranchResponse(commit_id=first.commit_id))
        self.assertEqual(second, pb.UserMergeBranchResponse(branch_update=update))
        self.assertEqual(self.refs()["refs/heads/main"], first.commit_id)
        self.assertEqual(
            self.shown("main"),
            [
                f"parent {self.main}",
                f"parent {self.side}",
                f"author {mergecase.IDENT}",
                f"committer {mergecase.IDENT}",
                "",
                "merge",
                "",
            ],
        )
        self.assertEqual(self.history.files("main"), {**mergecase.BASE, "a": "0\n1\n2\n3\n4\n"})
        with open(f"{self.path}/seen") as seen:
            self.assertEqual(seen.read(), f"{self.main} refs/heads/main\n")
        self.nothing_staged()

    async def test_time(self) -> None:
        """
        The time may be the caller's.
        """
        await self.merge(timestamp=case.at(1500000000))
        self.assertIn("committer Alpha <alpha@example.org> 1500000000 +0530", self.shown("main"))

    async def test_squash(self) -> None:
        """
        A commit that is squashed already has the branch as its only parent.
        """
        await self.merge(squash=True)
        self.assertEqual([line for line in self.shown("main") if line.startswith("parent")], [f"parent {self.main}"])
        self.assertEqual(self.history.files("main"), {**mergecase.BASE, "a": "0\n1\n2\n3\n4\n"})

    async def test_always(self) -> None:
        """
        It is a merge commit even if one side is in the other's history; any name of a commit will do.
        """
        self.run_git("tag", "-a", "-m", "tag", "v1", str(self.base))
        for name, parent in (("v1", self.base), ("refs/heads/other", self.other)):
            before = self.oid("main")
            await self.merge(commit_id=name)
            self.assertEqual(self.shown("main")[:2], [f"parent {before}", f"parent {parent}"])

    async def test_invalid(self) -> None:
        """
        What is wrong is told in Gitaly's order.
        """
        changes: tuple[tuple[dict[str, Any], Code, str], ...] = (
            ({"repository": None, "user": None}, Code.INVALID_ARGUMENT, "repository not set"),
            ({"user": None, "branch": b""}, Code.INVALID_ARGUMENT, "empty user"),
            ({"user": User()}, Code.INVALID_ARGUMENT, "empty user email"),
            ({"user": User(email=b"a"), "branch": b""}, Code.INVALID_ARGUMENT, "empty user name"),
            ({"branch": b"", "commit_id": ""}, Code.INVALID_ARGUMENT, "empty branch name"),
            ({"commit_id": "", "message": b""}, Code.INVALID_ARGUMENT, "empty commit ID"),
            ({"message": b"", "branch": b"nope"}, Code.INVALID_ARGUMENT, "empty message"),
            ({"branch": b"nope", "user": User(email=b"a", name=b"a", timezone="x")}, Code.NOT_FOUND, "reference not found"),
            *(
                ({"branch": name}, Code.NOT_FOUND, "reference not found")
                for name in (b"../heads/main", b"a\0b", b"main\n", b"-main", b"@{-1}", b"main~0", b"x" * 5000)
            ),
            ({"user": User(email=b"a", name=b"a", timezone="x")}, Code.INVALID_ARGUMENT, "unknown time zone x"),
            ({"user": User(email=b"a", name=b"<>")}, Code.INTERNAL, "could not create merge commit: missing author name"),
            (
                {"user": User(email=b"a", name=b".")},
                Code.INTERNAL,
                "could not create merge commit: name consists only of disallowed characters",
            ),
            (
                {"user": User(email=b"a", name=b"a\0")},
                Code.INVALID_ARGUMENT,
                "could not create merge commit: identity contains NUL byte",
            ),
            (
                {"message": b"\0"},
                Code.INTERNAL,
                "could not create merge commit: a NUL byte in commit log message not allowed",
            ),
            (
                {"expected_old_oid": "1" * 40},
                Code.INVALID_ARGUMENT,
                "cannot resolve expected old object ID: reference not found",
            ),
        )
        for change, code, text in changes:
            with self.subTest(text=text):
                await self.refused_merge(code, text, **change)
        self.nothing_staged()

    async def test_unknown(self) -> None:
        """
        What is no commit cannot be merged, nor what git could take for an option.
        """
        for name in ("1" * 40, "nope", str(self.history.write(b"blob", b"x")), "main:a", "--stdin", "a\0b"):
            error = await self.error(self.stream("UserMergeBranch", self.request(commit_id=name), APPLY))
            self.assertEqual(error.code, Code.INTERNAL)
            self.assertTrue(error.message.startswith("merge: "), error.message)

    async def test_conflict(self) -> None:
        """
        The paths that conflict are told, and the two commits, the second as it was named.
        """
        await self.refused_merge(
            Code.FAILED_PRECONDITION,
            "merging commits: merge: there are conflicting files",
            pb.UserMergeBranchError(
                merge_conflict=MergeConflictError(conflicting_files=[b"a"], conflicting_commit_ids=[str(self.main), "clash"])
            ),
            commit_id="clash",
        )

    async def test_not_applied(self) -> None:
        """
        Nothing is written if the client does not agree, or ends; nor without a first request.
        """
        refusal = Code.FAILED_PRECONDITION, "merge aborted by client"
        await self.refused(self.stream("UserMergeBranch", self.request(), pb.UserMergeBranchRequest()), *refusal)
        await self.refused(self.stream("UserMergeBranch", self.request()), Code.INTERNAL, "EOF")
        await self.refused(self.stream("UserMergeBranch"), Code.INTERNAL, "EOF")
        self.assertEqual(self.refs()["refs/heads/main"], str(self.main))
        self.assertEqual(self.application.asked, [])
        self.nothing_staged()

    async def test_invisible(self) -> None:
        """
        Before the client has agreed, nobody sees the commit.
        """
        replies = self.stream("UserMergeBranch", self.request(), pb.UserMergeBranchRequest())
        reply = await anext(replies)
        self.assertIn("missing", self.run_git("cat-file", "--batch-check", stdin=reply.commit_id.encode()))
        await self.error(replies)

    async def test_idle(self) -> None:
        """
        While the client makes up its mind no child is there; when it goes, no quarantine.
        """
        dispatcher = Dispatcher([self.service], [], Clock())
        call = self.make_call("UserMergeBranch")
        call.exchange = RecordingExchange([self.request()], open=True)
        sent: Deferred[None] = Deferred()
        send = call.exchange.send

        async def told(reply: Any) -> None:
            await send(reply)
            reactor.callLater(0, sent.callback, None)

        call.exchange.send = told
        before = children()
        running = dispatcher.dispatch(call)
        await sent
        self.assertEqual(children(), before)
        self.assertEqual(self.stack.alive, 1)
        running.cancel()
        with self.assertRaises(GitalyError):
            await running
        self.assertEqual(self.refs()["refs/heads/main"], str(self.main))
        self.nothing_staged()

    async def test_denied(self) -> None:
        """
        Hooks and the application can refuse; their words are the message.
        """
        self.hook("update", "echo out; echo no >&2; exit 1")
        hook = CustomHookError(stdout=b"out\n", stderr=b"no\n", hook_type=CustomHookError.HOOK_TYPE_UPDATE)
        await self.refused_merge(Code.PERMISSION_DENIED, "no\n", pb.UserMergeBranchError(custom_hook=hook))
        self.application.denies = "not you"
        error = await self.error(self.stream("UserMergeBranch", self.request(), APPLY))
        self.assertEqual((error.code, error.message), (Code.PERMISSION_DENIED, "GitLab: not you"))
        (details,) = error.details
        changes = details.access_check.changes
        self.assertTrue(changes.startswith(self.main + b" ") and changes.endswith(b" refs/heads/main\n"))
        access = AccessCheckError(error_message="not you", protocol="web", user_id="user-1", changes=changes)
        self.assertEqual(details, pb.UserMergeBranchError(access_check=access))
        self.assertEqual(self.refs()["refs/heads/main"], str(self.main))
        self.nothing_staged()

    async def test_moved(self) -> None:
        """
        A branch that is not what the caller expects is not moved.
        """
        error = await self.error(self.stream("UserMergeBranch", self.request(expected_old_oid=str(self.base)), APPLY))
        text = "reference update: reference does not point to expected object"
        self.assertEqual((error.code, error.message), (Code.FAILED_PRECONDITION, text))
        (details,) = error.details
        new = details.reference_update.new_oid
        update = ReferenceUpdateError(reference_name=b"refs/heads/main", old_oid=str(self.base), new_oid=new)
        self.assertEqual(details, pb.UserMergeBranchError(reference_update=update))
        self.assertIn(f"parent {self.base}", self.shown(new))

    async def test_after(self) -> None:
        """
        What the application says after the write is told.
        """
        self.application.complains = "late"
        text = "target update: running post-receive hooks: late"
        await self.refused_merge(Code.INTERNAL, text)
        self.assertNotEqual(self.refs()["refs/heads/main"], str(self.main))
