"""
Merges whose conflicts somebody has resolved.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any
from unittest import mock

from gitaly_tx.client.servers import KEY, Server, encode_servers
from gitaly_tx.errors import Code
from gitaly_tx.git.merge import Merged
from gitaly_tx.services.conflicts import resolving
from gitaly_tx.services.conflicts.files import Resolver
from gitaly_tx.services.conflicts.ports import ConflictPorts
from gitaly_tx.services.conflicts.sections import LIMIT
from gitaly_tx.services.conflicts.service import ConflictsService
from protocols.gitaly import conflicts_pb2 as pb
from protocols.gitaly.shared_pb2 import Repository, User
from tests.services.operations import case, mergecase
from tests.support.calls import make_call
from tests.support.history import SUBMODULE, History

FORK = Repository(storage_name="default", relative_path="team/fork.git")

SERVERS = {KEY: (encode_servers({"default": Server("unix:/there")}),)}

SECTION = f"{hashlib.sha1(b'a').hexdigest()}_1_1"


class ResolveConflictsTests(mergecase.MergeCase):
    """
    ``ResolveConflicts``: ``clash`` into ``main``.
    """

    metadata: Any = SERVERS

    def fill(self) -> None:
        """
        ``ours`` and ``theirs`` have both changed the only line of ``a``.
        """
        super().fill()
        ports = self.ports
        self.conflicts = ConflictsService(
            ConflictPorts(ports.git, ports.storage, ports.peers, ports.updater, ports.in_thread, ports.now)
        )
        base = self.history.commit({"a": "1\n", "s/b": "1\n"})
        self.ours = self.branch("ours", {"a": (0o100755, "2\n"), "s/b": "1\n"}, base)
        self.theirs = self.branch("theirs", {"a": "3\n", "s/b": "1\n"}, base)

    async def resolve(self, *resolutions: Any, text: str | None = None, cut: int = 7, **fields: Any) -> str:
        """
        Call it.

        :param resolutions: or ``text`` instead.
        :returns: why not.
        """
        usual = {
            "repository": case.NAME,
            "our_commit_oid": str(self.ours),
            "target_repository": case.NAME,
            "their_commit_oid": str(self.theirs),
            "source_branch": b"ours",
            "target_branch": b"theirs",
            "commit_message": b"resolved",
            "user": case.USER,
        }
        given = {name: value for name, value in {**usual, **fields}.items() if value is not None}
        whole = (json.dumps(resolutions) if text is None else text).encode()
        requests = [pb.ResolveConflictsRequest(header=pb.ResolveConflictsRequestHeader(**given))]
        requests += [pb.ResolveConflictsRequest(files_json=whole[at : at + cut]) for at in range(0, len(whole), cut)]
        return await self.answer(*requests)

    async def answer(self, *requests: pb.ResolveConflictsRequest) -> str:
        """
        Call it.
        """

        async def each() -> AsyncIterator[pb.ResolveConflictsRequest]:
            for request in requests:
                yield request

        call = make_call("ConflictsService/ResolveConflicts", correlation_id="abc", metadata=self.metadata)
        return (await self.conflicts.ResolveConflicts(call, each())).resolution_error

    def sections(self, choice: str, path: str = "a") -> dict[str, Any]:
        """
        A decision.
        """
        return {"old_path": path, "new_path": path, "sections": {SECTION: choice}}

    async def test_sections(self) -> None:
        """
        One side's lines are taken; the commit has both sides as its parents. The mode stays.
        """
        self.assertEqual(await self.resolve(self.sections("origin")), "")
        self.assertEqual(self.tree("ours"), {"a": ("100755", "3\n"), "s/b": ("100644", "1\n")})
        self.assertEqual(
            self.shown("ours"),
            [
                f"parent {self.ours}",
                f"parent {self.theirs}",
                f"author {mergecase.IDENT}",
                f"committer {mergecase.IDENT}",
                "",
                "resolved",
            ],
        )
        (push,) = self.application.asked
        self.assertEqual((push.user, push.updates[0].old), ("alpha", self.ours))
        self.nothing_staged()

    async def test_content(self) -> None:
        """
        Or the caller says what the file shall be, if that is something else than the conflict; as git adds files to a history.
        """
        conflict = "<<<<<<< a\n2\n=======\n3\n>>>>>>> x\n"
        same = {"old_path": "a", "new_path": "x", "content": conflict}
        self.assertEqual(await self.resolve(same), "Resolved content has no changes for file a")
        self.assertEqual(await self.resolve({**same, "content": "new\r\nlines"}), "")
        self.assertEqual(self.history.files("ours")["a"], "new\nlines")

    async def test_newline(self) -> None:
        """
        The file ends in a newline if ours does.
        """
        base = self.history.commit({"a": "1"})
        ours = self.branch("ours", {"a": "2"}, base)
        theirs = self.branch("theirs", {"a": "3\n"}, base)
        decision = self.sections("origin")
        self.assertEqual(await self.resolve(decision, our_commit_oid=str(ours), their_commit_oid=str(theirs)), "")
        self.assertEqual(self.history.files("ours")["a"], "3")

    async def test_deep(self) -> None:
        """
        A file may lie in a directory, and come from both sides without a common version.
        """
        ours = self.branch("ours", {"a/b/c": "2\n"})
        theirs = self.branch("theirs", {"a/b/c": "3\n"})
        section = f"{hashlib.sha1(b'a/b/c').hexdigest()}_1_1"
        decision = {"old_path": "a/b/c", "new_path": "a/b/c", "sections": {section: "head"}}
        self.assertEqual(await self.resolve(decision, our_commit_oid=str(ours), their_commit_oid=str(theirs)), "")
        self.assertEqual(self.history.files("ours"), {"a/b/c": "2\n"})

    async def test_no_conflict(self) -> None:
        """
        Without a conflict nobody looks at the resolutions.
        """
        theirs = self.branch("theirs", {"n": "n\n"})
        self.assertEqual(await self.resolve({"old_path": "z", "content": ""}, their_commit_oid=str(theirs)), "")
        self.assertEqual(self.history.files("ours"), {"a": "2\n", "s/b": "1\n", "n": "n\n"})

    async def test_incomplete(self) -> None:
        """
        What is missing is named, and nothing is written.
        """
        missing = f"Missing resolution for section ID: {SECTION}"
        for resolutions, text in (
            ([], "Missing resolutions for the following files: a"),
            ([self.sections("both")], missing),
            ([{"old_path": "a", "sections": {"x": "head"}}], missing),
        ):
            self.assertEqual(await self.resolve(*resolutions), text)
        self.assertEqual(self.refs()["refs/heads/ours"], str(self.ours))
        self.assertEqual(self.application.asked, [])
        self.nothing_staged()

    async def test_invalid(self) -> None:
        """
        What is wrong is told in Gitaly's order.
        """
        invalid = Code.INVALID_ARGUMENT
        zone = User(name=b"A", email=b"a", timezone="x")
        rugged = "Rugged::InvalidError: unable to parse OID - contains invalid characters"
        for change, code, text in (
            ({"our_commit_oid": "", "repository": None}, invalid, "empty OurCommitOid"),
            ({"repository": None, "target_repository": None}, invalid, "repository not set"),
            ({"target_repository": None, "their_commit_oid": ""}, invalid, "empty TargetRepository"),
            ({"their_commit_oid": "", "source_branch": b""}, invalid, "empty TheirCommitOid"),
            ({"source_branch": b"", "target_branch": b""}, invalid, "empty SourceBranch"),
            ({"target_branch": b"", "commit_message": b""}, invalid, "empty TargetBranch"),
            ({"commit_message": b"", "user": None}, invalid, "empty CommitMessage"),
            ({"user": None, "text": ""}, invalid, "empty User"),
            ({"user": zone, "text": ""}, invalid, "unknown time zone x"),
            ({"text": "", "target_branch": b"nope"}, Code.INTERNAL, "unexpected end of JSON input"),
            ({"text": "[{}]", "target_branch": b"nope"}, invalid, "missing sections or content for a resolution"),
            ({"target_branch": b"nope", "our_commit_oid": "x"}, Code.INTERNAL, "reference not found"),
            ({"our_commit_oid": "x"}, Code.INTERNAL, rugged),
            ({"their_commit_oid": "main"}, Code.INTERNAL, rugged),
            ({"target_repository": Repository(storage_name="x")}, Code.INTERNAL, "remote repository: storage name not found"),
            ({"user": User(name=b".", email=b"a")}, Code.INTERNAL, "name consists only of disallowed characters"),
        ):
            with self.subTest(text=text):
                await self.refused(self.resolve(self.sections("head"), **change), code, text)
        error = await self.error(self.resolve(their_commit_oid="1" * 40))
        self.assertEqual(error.code, Code.INTERNAL)
        self.assertTrue(error.message.startswith("merge: merge-tree: exit status"), error.message)
        text = "empty ResolveConflictsRequestHeader"
        await self.refused(self.answer(pb.ResolveConflictsRequest(files_json=b"[]")), invalid, text)
        await self.refused(self.answer(), Code.INTERNAL, "EOF")
        self.nothing_staged()

    async def test_large(self) -> None:
        """
        There is an end to what is kept in memory.
        """
        with mock.patch.object(resolving, "MOST", 100):
            await self.refused(self.resolve({"content": "x" * 100}), Code.RESOURCE_EXHAUSTED, "resolutions too large")

    async def test_no_such_conflict(self) -> None:
        """
        A decision about a file that does not conflict is refused.
        """
        text = "NoMethodError: undefined method `resolve_lines' for nil:NilClass"
        await self.refused(self.resolve(self.sections("head", "s/b")), Code.INTERNAL, text)
        await self.refused(self.resolve({"content": "x"}), Code.INTERNAL, text)

    async def test_not_mergeable(self) -> None:
        """
        A file that is too large, or that only one side has, is not taken apart, and neither is a submodule.
        """
        large = "x" * LIMIT
        parse = 'resolve: parse conflict for "a": '
        for ours, theirs, text in (
            (large + "2\n", large + "3\n", parse + "merging is not supported for file"),
            (None, "3\n", "object not found"),
            ("2\n", "<<<<<<< {theirs}\n=======\n", parse + "unexpected conflict delimiter"),
            ((SUBMODULE, "1" * 40), (SUBMODULE, "2" * 40), "object not found"),
        ):
            with self.subTest(text=text):
                submodule = isinstance(ours, tuple)
                base = self.history.commit({"a": (SUBMODULE, "3" * 40) if submodule else "1\n", "b": "b"})
                our = self.branch("ours", {"b": "b"} if ours is None else {"a": ours, "b": "b"}, base)
                if isinstance(theirs, str):
                    theirs = theirs.replace("{theirs}", str(our))
                their = self.branch("theirs", {"a": theirs, "b": "b"}, base)
                call = self.resolve(self.sections("head"), our_commit_oid=str(our), their_commit_oid=str(their))
                await self.refused(call, Code.INTERNAL, text)
        self.nothing_staged()

    async def test_directories(self) -> None:
        """
        A conflict that no file has cannot be resolved.
        """
        staging = await self.repository.stage()
        self.addCleanup(staging.discard)
        resolver = Resolver(self.repository, staging, self.ours, self.theirs, None)
        merged = Merged(self.history.tree({}), clean=False)
        await self.refused(resolver.resolve(merged, []), Code.FAILED_PRECONDITION, "merge: there are conflicting files")

    async def test_fork(self) -> None:
        """
        Their commit may be in another repository, on the target branch.
        """
        fork = await self.stack.provider.create(FORK)
        history = History(fork.directory)
        base = history.commit({"a": "1\n", "s/b": "1\n"})
        theirs = history.ref("refs/heads/theirs", history.commit({"a": "4\n", "s/b": "1\n"}, base))
        fields: dict[str, Any] = {"target_repository": FORK, "their_commit_oid": str(theirs)}
        self.assertEqual(await self.resolve(self.sections("origin"), **fields), "")
        self.assertEqual(self.history.files("ours")["a"], "4\n")
        text = 'could not resolve target revision "refs/heads/nope^{commit}": reference not found'
        await self.refused(self.resolve(**fields, target_branch=b"nope"), Code.INTERNAL, text)
        missing = Repository(storage_name="default", relative_path="no.git")
        await self.refused(
            self.resolve(target_repository=missing),
            Code.NOT_FOUND,
            'could not resolve target revision "refs/heads/theirs^{commit}": '
            "rpc error: code = NotFound desc = repository not found",
        )
        history.ref("refs/heads/broken", history.commit({}, self.base))
        text = "could not fetch target commit: fetch: the server refused"
        await self.refused(self.resolve(**fields, target_branch=b"broken"), Code.INTERNAL, text)
        self.nothing_staged()

    async def test_refused(self) -> None:
        """
        Whoever is against it is told in the message.
        """
        self.hook("update", "printf no; exit 1")
        await self.refused(self.resolve(self.sections("head")), Code.INTERNAL, "running update hooks: no")
        self.application.denies = "no"
        text = "running pre-receive hooks: GitLab: no"
        await self.refused(self.resolve(self.sections("head")), Code.INTERNAL, text)
        self.hook("update", "exit 0")
        self.application.denies = None
        text = "reference update: reference does not point to expected object"
        await self.refused(self.resolve(self.sections("head"), source_branch=b"main"), Code.INTERNAL, text)
        self.assertEqual(self.refs()["refs/heads/ours"], str(self.ours))
