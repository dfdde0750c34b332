"""
Changes done once more.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.internet.task import Clock

from gitaly_tx.client.servers import KEY, Server, encode_servers
from gitaly_tx.errors import Code
from gitaly_tx.git.commits import Ident
from gitaly_tx.services.operations.service import OperationService
from protocols.gitaly import operations_pb2 as pb
from protocols.gitaly.commit_pb2 import FindCommitResponse
from protocols.gitaly.errors_pb2 import (
    AccessCheckError,
    ChangesAlreadyAppliedError,
    MergeConflictError,
    NotAncestorError,
)
from protocols.gitaly.shared_pb2 import GitCommit, Repository, User
from tests.support.calls import Service
from tests.support.history import History
from tests.support.ownpeers import OwnPeers

from . import mergecase

FORK = Repository(storage_name="default", relative_path="team/fork.git")


class CherryPickTests(mergecase.MergeCase):
    """
    ``UserCherryPick``.
    """

    metadata: dict[str, tuple[str, ...]] = {}

    def pick(self, oid: object = None, **fields: Any) -> Any:
        """
        Call it: ``side`` on ``main``.
        """
        usual = {"commit": GitCommit(id=str(oid or self.side)), "branch_name": b"main", "message": b"pick"}
        return self.call("UserCherryPick", **{**usual, **fields})

    async def test_pick(self) -> None:
        """
        The author stays, with their time; the user is the committer. The branch is moved.
        """
        response = await self.pick()
        update = pb.OperationBranchUpdate(commit_id=self.refs()["refs/heads/main"])
        self.assertEqual(response, pb.UserCherryPickResponse(branch_update=update))
        self.assertEqual(
            self.shown("main"),
            [
                f"parent {self.main}",
                "author A <a@example.org> 1600000000 +0200",
                f"committer {mergecase.IDENT}",
                "",
                "pick",
            ],
        )
        self.assertEqual(self.history.files("main"), {**mergecase.BASE, "a": "0\n1\n2\n3\n4\n"})
        self.nothing_staged()
        kinds = self.run_git("cat-file", "--batch-all-objects", "--batch-check=%(objecttype)").split()
        self.assertEqual(kinds.count("commit"), 6, "only the new commit is kept")

    async def test_author(self) -> None:
        """
        The caller may name another author; a zone that is none is UTC.
        """
        commit = self.history.commit(
            {**mergecase.BASE, "b": "b"}, self.base, author=Ident(b"B", b"b@example.org", 1600000000, b"CEST")
        )
        await self.pick(commit, commit_author_name=b"Beta")
        self.assertIn("author Beta <b@example.org> 1600000000 +0000", self.shown("main"))
        await self.pick(commit, branch_name=b"clash", commit_author_email=b"beta@example.org")
        self.assertIn("author B <beta@example.org> 1600000000 +0000", self.shown("clash"))

    async def test_merge(self) -> None:
        """
        Of a merge commit, what it changed in regard to its first parent is taken.
        """
        merge = self.history.commit({**mergecase.BASE, "a": "1\n2\n3\n4\n", "n": "n"}, self.side, self.main)
        await self.pick(merge)
        self.assertEqual(self.history.files("main"), {**mergecase.BASE, "a": "0\n1\n2\n3\n", "n": "n"})

    async def test_new_branch(self) -> None:
        """
        The branch is made if it is not there.
        """
        response = await self.pick(branch_name=b"new", start_branch_name=b"main")
        self.assertTrue(response.branch_update.branch_created)
        self.assertFalse(response.branch_update.repo_created)
        self.assertEqual(self.shown("new")[0], f"parent {self.main}")
        self.assertEqual(self.refs()["refs/heads/main"], str(self.main))

    async def test_empty_repository(self) -> None:
        """
        A repository without branches gets one.
        """
        for name in list(self.refs()):
            self.run_git("update-ref", "-d", name)
        response = await self.pick(branch_name=b"new", start_branch_name=bytes(self.main))
        self.assertTrue(response.branch_update.branch_created)
        self.assertTrue(response.branch_update.repo_created)

    async def test_start_repository(self) -> None:
        """
        The start may be in another repository, which the caller says where to find.
        """
        fork = await self.stack.provider.create(FORK)
        history = History(fork.directory)
        start = history.ref("refs/heads/start", history.commit({**mergecase.BASE, "n": "n"}, self.base))
        fields: dict[str, Any] = {"branch_name": b"new", "start_repository": FORK, "start_branch_name": b"start"}
        text = "remote repository: empty gitaly-servers metadata"
        await self.refused(self.pick(**fields), Code.INTERNAL, text)
        self.metadata = {KEY: (encode_servers({"default": Server("unix:/there")}),)}
        await self.refused(
            self.pick(**{**fields, "start_branch_name": b"nope"}),
            Code.INVALID_ARGUMENT,
            "resolve start ref: reference not found",
        )
        text = "fetch start: fetch: the server refused"
        await self.refused(self.pick(**fields), Code.INTERNAL, text)
        History(fork.directory).commit(mergecase.BASE)
        await self.pick(**fields)
        self.assertEqual(self.shown("new")[0], f"parent {start}")
        self.assertEqual(self.history.files("new"), {**mergecase.BASE, "a": "1\n2\n3\n4\n", "n": "n"})
        self.nothing_staged()

    async def test_dry_run(self) -> None:
        """
        For a try, the branch is moved to the start.
        """
        response = await self.pick(branch_name=b"new", start_branch_name=b"main", dry_run=True)
        update = pb.OperationBranchUpdate(commit_id=str(self.main), branch_created=True)
        self.assertEqual(response, pb.UserCherryPickResponse(branch_update=update))
        self.assertEqual(self.refs()["refs/heads/new"], str(self.main))
        self.assertEqual(len(self.application.asked), 1)

    async def test_invalid(self) -> None:
        """
        What is wrong is told in Gitaly's order.
        """
        invalid = Code.INVALID_ARGUMENT
        zone = User(name=b"A", email=b"a", timezone="x")
        for change, code, text in (
            ({"repository": pb.UserCherryPickRequest().repository, "user": None}, invalid, "repository not set"),
            ({"user": None, "commit": None}, invalid, "empty User"),
            ({"commit": None, "branch_name": b""}, invalid, "empty Commit"),
            ({"branch_name": b"", "message": b""}, invalid, "empty BranchName"),
            ({"message": b"", "branch_name": b"nope"}, invalid, "empty Message"),
            ({"branch_name": b"nope", "user": zone}, invalid, "resolve start ref: reference not found"),
            ({"start_branch_name": b"--all"}, invalid, "resolve start ref: reference not found"),
            ({"user": zone, "commit": GitCommit(id="nope")}, invalid, "unknown time zone x"),
            ({"commit": GitCommit(id="nope")}, Code.NOT_FOUND, 'cherry-pick: commit lookup: commit not found: "nope"'),
            ({"commit": GitCommit()}, Code.NOT_FOUND, 'cherry-pick: commit lookup: commit not found: ""'),
            ({"commit": GitCommit(id="main:a")}, Code.NOT_FOUND, 'cherry-pick: commit lookup: commit not found: "main:a"'),
            ({"commit": GitCommit(id=str(self.base))}, Code.INTERNAL, "cherry-pick command: commit has no parent"),
            (
                {"expected_old_oid": "1" * 40},
                invalid,
                "cannot resolve expected old object ID: reference not found",
            ),
            ({"message": b"\0"}, Code.INTERNAL, "write commit: a NUL byte in commit log message not allowed"),
            ({"user": User(name=b"<", email=b"a")}, Code.INTERNAL, "write commit: missing committer name"),
        ):
            with self.subTest(text=text):
                await self.refused(self.pick(**change), code, text)
        self.nothing_staged()

    async def test_busy(self) -> None:
        """
        If there is no process to be had, the caller is told so.
        """
        self.busy("merge-tree")
        await self.refused(self.pick(), Code.RESOURCE_EXHAUSTED, "cherry-pick command: no process")
        self.nothing_staged()

    async def test_no_start(self) -> None:
        """
        Another server's word for what is a commit is not enough.
        """
        blob = self.history.write(b"blob", b"x")

        async def find_commit(call: Any, request: Any) -> FindCommitResponse:
            return FindCommitResponse(commit=GitCommit(id=str(blob)))

        self.metadata = {KEY: (encode_servers({"default": Server("unix:/there")}),)}
        peers = OwnPeers(Clock(), Service("CommitService", FindCommit=find_commit))
        self.service = OperationService(evolve(self.ports, peers=peers))
        text = "ours commit lookup: commit not found"
        await self.refused(self.pick(start_repository=FORK), Code.NOT_FOUND, text)

    async def test_conflict(self) -> None:
        """
        The paths that conflict are told.
        """
        conflict = MergeConflictError(conflicting_files=[b"a"])
        await self.refused(
            self.pick(self.clash),
            Code.FAILED_PRECONDITION,
            "cherry pick: merge: there are conflicting files",
            pb.UserCherryPickError(cherry_pick_conflict=conflict),
        )

    async def test_nothing_to_do(self) -> None:
        """
        A change that is there already is refused.
        """
        await self.refused(
            self.pick(branch_name=b"side"),
            Code.FAILED_PRECONDITION,
            "cherry-pick: could not apply because the result was empty",
            pb.UserCherryPickError(changes_already_applied=ChangesAlreadyAppliedError()),
        )

    async def test_diverged(self) -> None:
        """
        A branch is not moved away from its own history.
        """
        error = await self.error(self.pick(branch_name=b"clash", start_branch_name=b"main"))
        self.assertEqual((error.code, error.message), (Code.FAILED_PRECONDITION, "cherry-pick: branch diverged"))
        (details,) = error.details
        diverged = NotAncestorError(
            parent_revision=bytes(self.clash), child_revision=details.target_branch_diverged.child_revision
        )
        self.assertEqual(details, pb.UserCherryPickError(target_branch_diverged=diverged))
        self.assertEqual(len(diverged.child_revision), 40)

    async def test_impossible_names(self) -> None:
        """
        A branch is not made if git would not make one of that name.
        """
        text = "update reference with hooks: reference update: invalid reference format"
        for name in (b"-evil", b"HEAD", b"a..b", b"a.lock", b"a b", b"@{x", b"a\0b", b"a\nb", b"../x", b"/x", b"x/"):
            with self.subTest(name=name):
                await self.refused(self.pick(branch_name=name, start_branch_name=b"main"), Code.INTERNAL, text)
        await self.error(self.pick(branch_name=b"x" * 5000, start_branch_name=b"main"))
        self.assertEqual(len(self.refs()), 4)

    async def test_refused(self) -> None:
        """
        A hook's words are in the details; others' words, and what became of the ref, in the message.
        """
        self.hook("update", "echo no; exit 1")
        await self.refused(
            self.pick(),
            Code.FAILED_PRECONDITION,
            "access check failed",
            pb.UserCherryPickError(access_check=AccessCheckError(error_message="no")),
        )
        self.hook("update", "exit 0")
        text = "update reference with hooks: reference update: reference does not point to expected object"
        await self.refused(self.pick(expected_old_oid=str(self.base)), Code.INTERNAL, text)
        self.application.denies = "no"
        text = "update reference with hooks: running pre-receive hooks: GitLab: no"
        await self.refused(self.pick(), Code.INTERNAL, text)
        self.assertEqual(self.refs()["refs/heads/main"], str(self.main))
        self.application.denies, self.application.complains = None, "late"
        text = "update reference with hooks: running post-receive hooks: late"
        await self.refused(self.pick(), Code.INTERNAL, text)
        self.assertNotEqual(self.refs()["refs/heads/main"], str(self.main))
