"""
Branches rebased onto others.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from gitaly_tx.client.servers import KEY, Server, encode_servers
from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.rpc.dispatcher import Dispatcher
from protocols.gitaly import operations_pb2 as pb
from protocols.gitaly.errors_pb2 import AccessCheckError, MergeConflictError
from protocols.gitaly.shared_pb2 import Repository, User
from tests.support.calls import RecordingExchange
from tests.support.history import History
from tests.support.leaks import children

from . import case, mergecase

reactor: Any = installed

APPLY = pb.UserRebaseConfirmableRequest(apply=True)

SERVERS: dict[str, tuple[str, ...]] = {KEY: (encode_servers({"default": Server("unix:/there")}),)}

FORK = Repository(storage_name="default", relative_path="team/fork.git")


class RebaseConfirmableTests(mergecase.MergeCase):
    """
    ``UserRebaseConfirmable``.
    """

    metadata = SERVERS

    def request(self, **fields: Any) -> pb.UserRebaseConfirmableRequest:
        """
        ``side`` onto ``main`` of the same repository.
        """
        usual = {
            "repository": case.NAME,
            "user": case.USER,
            "branch": b"side",
            "branch_sha": str(self.side),
            "remote_repository": case.NAME,
            "remote_branch": b"main",
        }
        given = {name: value for name, value in {**usual, **fields}.items() if value is not None}
        return pb.UserRebaseConfirmableRequest(header=pb.UserRebaseConfirmableRequest.Header(**given))

    def rebase(self, *second: pb.UserRebaseConfirmableRequest, **fields: Any) -> AsyncIterator[Any]:
        """
        Both rounds, or what there is of the second.
        """
        stream: AsyncIterator[Any] = self.stream("UserRebaseConfirmable", self.request(**fields), *second)
        return stream

    async def test_rebase(self) -> None:
        """
        Two replies; the branch is moved.
        """
        self.hook("pre-receive", 'echo "$GIT_PUSH_OPTION_COUNT $GIT_PUSH_OPTION_0" >"$GIT_DIR/seen"')
        first, second = [reply async for reply in self.rebase(APPLY, git_push_options=["ci.skip"])]
        self.assertEqual(first, pb.UserRebaseConfirmableResponse(rebase_sha=self.refs()["refs/heads/side"]))
        self.assertEqual(second, pb.UserRebaseConfirmableResponse(rebase_applied=True))
        self.assertEqual(
            self.shown("side"),
            [
                f"parent {self.main}",
                "author A <a@example.org> 1600000000 +0200",
                f"committer {mergecase.IDENT}",
                "",
                "change",
                "",
            ],
        )
        with open(f"{self.path}/seen") as seen:
            self.assertEqual(seen.read(), "1 ci.skip\n")
        self.assertEqual(self.peers.called, ["CommitService/FindCommit"])
        self.nothing_staged()

    async def test_fork(self) -> None:
        """
        What the other repository has and this one not comes from there.
        """
        fork = await self.stack.provider.create(FORK)
        history = History(fork.directory)
        base = history.commit(mergecase.BASE)
        upstream = history.ref("refs/heads/up", history.commit({**mergecase.BASE, "new": "new\n"}, base))
        self.assertIn("missing", self.run_git("cat-file", "--batch-check", stdin=upstream))
        replies = [reply async for reply in self.rebase(APPLY, remote_repository=FORK, remote_branch=b"up")]
        self.assertEqual(len(replies), 2)
        self.assertEqual(self.shown("side")[0], f"parent {upstream}")
        self.assertEqual(self.history.files("side"), {**mergecase.BASE, "a": "1\n2\n3\n4\n", "new": "new\n"})
        self.nothing_staged()

    async def test_invalid(self) -> None:
        """
        What is wrong is told in Gitaly's order.
        """
        invalid = Code.INVALID_ARGUMENT
        zone = User(name=b"A", email=b"a", timezone="x")
        for change, code, text in (
            ({"repository": None, "user": None}, invalid, "repository not set"),
            ({"user": None, "branch": b""}, invalid, "empty User"),
            ({"branch": b"", "branch_sha": ""}, invalid, "empty Branch"),
            ({"branch_sha": "", "remote_repository": None}, invalid, "empty BranchSha"),
            ({"remote_repository": None, "remote_branch": b""}, invalid, "empty RemoteRepository"),
            ({"remote_branch": b"", "branch_sha": "x"}, invalid, "empty RemoteBranch"),
            ({"remote_branch": b"a b", "branch_sha": "x"}, invalid, "invalid branch name"),
            ({"remote_branch": b"-a", "branch_sha": "x"}, invalid, "invalid branch name"),
            (
                {"branch_sha": "side", "remote_branch": b"nope"},
                Code.NOT_FOUND,
                'invalid object ID: "side", expected length 40, got 4',
            ),
            ({"remote_branch": b"nope", "user": zone}, invalid, "resolve start ref: reference not found"),
            ({"user": zone}, invalid, "unknown time zone x"),
            ({"remote_repository": Repository(storage_name="x")}, Code.INTERNAL, "remote repository: storage name not found"),
            (
                {"remote_repository": FORK},
                Code.NOT_FOUND,
                "resolve start ref: rpc error: code = NotFound desc = repository not found",
            ),
            ({"branch_sha": "1" * 40}, Code.INTERNAL, "rebasing commits: resolve commit: reference not found"),
            ({"remote_branch": b"other"}, Code.INTERNAL, "rebasing commits: get merge-base: exit status 1"),
        ):
            with self.subTest(text=text):
                await self.refused(self.rebase(APPLY, **change), code, text)
        await self.refused(self.stream("UserRebaseConfirmable", APPLY), invalid, "empty UserRebaseConfirmableRequest.Header")
        await self.refused(self.stream("UserRebaseConfirmable"), Code.INTERNAL, "recv: EOF")
        self.nothing_staged()

    async def test_conflict(self) -> None:
        """
        The paths that conflict are told, and the two commits.
        """
        conflict = MergeConflictError(conflicting_files=[b"a"], conflicting_commit_ids=[str(self.main), str(self.clash)])
        await self.refused(
            self.rebase(APPLY, branch=b"clash", branch_sha=str(self.clash)),
            Code.FAILED_PRECONDITION,
            f'rebasing commits: rebase: commit "{self.clash}": there are conflicting files',
            pb.UserRebaseConfirmableError(rebase_conflict=conflict),
        )

    async def test_not_applied(self) -> None:
        """
        Nothing is written if the client does not agree, sends something else, or ends.
        """
        refusal = Code.FAILED_PRECONDITION, "rebase aborted by client"
        await self.refused(self.rebase(pb.UserRebaseConfirmableRequest()), *refusal)
        await self.refused(self.rebase(self.request()), *refusal)
        await self.refused(self.rebase(), Code.INTERNAL, "recv: EOF")
        self.assertEqual(self.refs()["refs/heads/side"], str(self.side))
        self.assertEqual(self.application.asked, [])
        self.nothing_staged()

    async def test_idle(self) -> None:
        """
        While the client makes up its mind no child is there; when it goes, no quarantine.
        """
        dispatcher = Dispatcher([self.service], [], Clock())
        call = self.make_call("UserRebaseConfirmable")
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
        self.nothing_staged()

    async def test_refused(self) -> None:
        """
        A hook's words are in the details and, with all around them, in the message; the application's in the message.
        """
        self.hook("update", "echo no; exit 1")
        await self.refused(
            self.rebase(APPLY),
            Code.PERMISSION_DENIED,
            'access check: "running update hooks: no\\n"',
            pb.UserRebaseConfirmableError(access_check=AccessCheckError(error_message="no\n")),
        )
        self.application.denies = "no"
        text = "updating ref with hooks: running pre-receive hooks: GitLab: no"
        await self.refused(self.rebase(APPLY), Code.INTERNAL, text)
        self.hook("update", "exit 0")
        self.application.denies = None
        text = "updating ref with hooks: reference update: reference does not point to expected object"
        await self.refused(self.rebase(APPLY, branch=b"clash"), Code.INTERNAL, text)
        self.application.complains = "late"
        text = "updating ref with hooks: running post-receive hooks: late"
        await self.refused(self.rebase(APPLY), Code.INTERNAL, text)
        self.assertEqual(self.shown("side")[0], f"parent {self.main}")
