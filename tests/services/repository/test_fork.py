"""
Tests for CreateFork and FetchSourceBranch.
"""

from __future__ import annotations

import os
from typing import Any

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.hooks.interfaces import Change
from protocols.gitaly import repository_pb2 as pb
from protocols.gitaly.errors_pb2 import ReferenceStateMismatchError
from protocols.gitaly.shared_pb2 import Repository
from tests.support.outwardcase import NEW, OutwardCase
from tests.support.writecase import NAME

FAR = Repository(storage_name="far", relative_path="far.git")
NONE = Repository(storage_name="far", relative_path="none.git")


class CreateForkTests(OutwardCase):
    """
    ``CreateFork``
    """

    def call(self, **fields: Any) -> Any:
        fields.setdefault("repository", NEW)
        fields.setdefault("source_repository", FAR)
        return self.service.CreateFork(None, pb.CreateForkRequest(**fields))  # type: ignore[arg-type]

    async def test_forked(self) -> None:
        """
        A fork has branches, tags and HEAD of its source, and no internal refs.
        """
        self.far_ref("refs/heads/other", "main~1")
        self.far_ref("refs/tags/t")
        self.far_ref("refs/keep-around/x")
        self.run_git("symbolic-ref", "HEAD", "refs/heads/other", path=self.far)
        await self.call()
        self.assertEqual(sorted(self.refs(self.new)), ["refs/heads/main", "refs/heads/other", "refs/tags/t"])
        self.assertEqual(self.head(self.new), "refs/heads/other")
        self.run_git("fsck", path=self.new)
        self.assertEqual(self.left(), [])
        self.assertEqual(self.sink.heard, [{**self.refs(self.new), "HEAD": "refs/heads/other"}])
        self.assertEqual(self.sink.changes, [("new.git", Change.CREATED)])
        self.assertEqual([repository.partition.path for repository in self.packed], [NEW.relative_path])

    async def test_one_branch(self) -> None:
        """
        A fork may have one branch only.
        """
        self.far_ref("refs/heads/other", "main~1")
        self.far_ref("refs/tags/t")
        await self.call(revision=b"refs/heads/other")
        self.assertEqual((list(self.refs(self.new)), self.head(self.new)), (["refs/heads/other"], "refs/heads/other"))

    async def test_empty(self) -> None:
        """
        An empty repository can be forked.
        """
        self.make("empty.git")
        await self.call(source_repository=Repository(storage_name="far", relative_path="empty.git"))
        self.assertEqual(self.refs(self.new), {})

    async def test_sidechannels(self) -> None:
        """
        A source whose server is fetched from over sidechannels only is forked like any other, and missed like any other.
        """
        self.peers.aside = True
        self.far_ref("refs/heads/other", "main~1")
        await self.call()
        self.assertEqual(self.refs(self.new), self.refs(self.far))
        self.run_git("fsck", path=self.new)
        other = Repository(storage_name="default", relative_path="other.git")
        code, text = await self.refusal(self.call(repository=other, source_repository=NONE))
        self.assertEqual(code, Code.INTERNAL)
        self.assertIn("remote: running upload-pack: exit status 128", text)
        self.assertEqual(self.left(), [])

    async def test_larger_than_a_pipe(self) -> None:
        """
        However much there is, it comes through.
        """
        noise = os.urandom(3 << 20)
        blob = self.run_git("hash-object", "-w", "--stdin", stdin=noise, path=self.far)
        self.run_git("update-ref", "refs/tags/large", blob, path=self.far)
        await self.call()
        self.assertEqual(self.rev("refs/tags/large", self.new), blob)

    async def test_bad_branch(self) -> None:
        """
        A branch that is none, or is not there, makes nothing; nor does a tag of that name.
        """
        self.far_ref("refs/tags/v1", "main~1")
        for revision, code, text in (
            (b"main", Code.INVALID_ARGUMENT, "creating fork: reference is not a branch"),
            (b"refs/heads/", Code.INVALID_ARGUMENT, "creating fork: branch name is empty"),
            (b"refs/heads/v1", Code.INTERNAL, "creating fork: checking whether HEAD reference is sane: exit status 128"),
        ):
            self.assertEqual(await self.refusal(self.call(revision=revision)), (code, text))
        code, text = await self.refusal(self.call(revision=b"refs/heads/none"))
        self.assertEqual(code, Code.INTERNAL)
        self.assertTrue(text.startswith("creating fork: fetching source repo: exit status 128, stderr: "), text)
        self.assertIn("Remote branch none not found", text)
        self.assert_nothing()

    async def test_no_source(self) -> None:
        """
        A source that is not there is told in the words of both sides.
        """
        code, text = await self.refusal(self.call(source_repository=NONE))
        self.assertEqual(code, Code.INTERNAL)
        self.assertTrue(text.startswith("creating fork: fetching source repo: exit status 128, stderr: "), text)
        self.assertIn("remote: running upload-pack: exit status 128", text)
        self.assert_nothing()

    async def test_bad_requests(self) -> None:
        """
        The source is checked first, then the target, then where the source is.
        """
        invalid = Code.INVALID_ARGUMENT
        validating = "validating source repository: "
        for fields, code, text in (
            ({"source_repository": None, "repository": None}, invalid, f"{validating}repository not set"),
            ({"source_repository": Repository()}, invalid, f"{validating}repository not set"),
            ({"source_repository": Repository(storage_name="far")}, invalid, f"{validating}repository path not set"),
            ({"repository": None}, invalid, "repository not set"),
            ({"repository": NAME}, Code.ALREADY_EXISTS, "creating fork: repository exists already"),
            (
                {"source_repository": Repository(storage_name="x", relative_path="a.git")},
                invalid,
                'creating fork: spawning fetch: no storage info for "x"',
            ),
        ):
            self.assertEqual(await self.refusal(self.call(**fields)), (code, text))
        self.peers.error = GitalyError("empty gitaly-servers metadata")
        text = "creating fork: spawning fetch: extracting Gitaly servers: empty gitaly-servers metadata"
        self.assertEqual(await self.refusal(self.call()), (Code.INTERNAL, text))
        self.assert_nothing()


class FetchSourceBranchTests(OutwardCase):
    """
    ``FetchSourceBranch``
    """

    def call(self, **fields: Any) -> Any:
        fields.setdefault("repository", NAME)
        fields.setdefault("source_repository", FAR)
        fields.setdefault("source_branch", b"refs/heads/main")
        fields.setdefault("target_ref", b"refs/merge-requests/1/head")
        return self.service.FetchSourceBranch(None, pb.FetchSourceBranchRequest(**fields))  # type: ignore[arg-type]

    async def test_fetched(self) -> None:
        """
        The ref here points at what the branch there does, whatever it was before, and everything that belongs to it is there.
        """
        tip = self.rev("main", self.far)
        self.assertTrue((await self.call()).result)
        self.assertEqual(self.rev("refs/merge-requests/1/head"), tip)
        self.assertEqual(len(self.refs()), 2)
        self.run_git("fsck", "--connectivity-only")
        self.assertEqual([repository.partition.path for repository in self.packed], [NAME.relative_path])
        older = self.far_ref("refs/heads/old", "main~2")
        self.assertTrue((await self.call(source_branch=b"old")).result)
        self.assertEqual(self.rev("refs/merge-requests/1/head"), older)
        self.assertEqual(len(self.packed), 1, "nothing came")
        self.assertEqual(self.sink.heard, [{"refs/merge-requests/1/head": oid} for oid in (tip, older)])
        self.assertEqual(self.left(), [])

    async def test_sidechannels(self) -> None:
        """
        A server that is fetched from over sidechannels only is as good as another.
        """
        self.peers.aside = True
        self.assertTrue((await self.call()).result)
        self.assertEqual(self.rev("refs/merge-requests/1/head"), self.rev("main", self.far))
        self.run_git("fsck", "--connectivity-only")
        self.assertEqual(self.left(), [])

    async def test_same_repository(self) -> None:
        """
        Within one repository nothing is fetched.
        """
        reply = await self.call(source_repository=NAME, source_branch=b"main~1")
        self.assertTrue(reply.result)
        self.assertEqual(self.rev("refs/merge-requests/1/head"), self.rev("main~1"))
        self.assertFalse((await self.call(source_repository=NAME, source_branch=b"none")).result)

    async def test_not_there(self) -> None:
        """
        If there is no such branch, or its commit cannot be had, the answer is no, and nothing changes.
        """
        self.assertFalse((await self.call(source_branch=b"none")).result)
        before = self.refs()
        self.run_git("repack", "-adq", path=self.far)
        for name in os.listdir(os.path.join(self.far, "objects/pack")):
            os.unlink(os.path.join(self.far, "objects/pack", name))
        tip = self.rev("main", self.far)
        self.assertTrue(tip)
        self.assertFalse((await self.call()).result)
        self.assertEqual((self.refs(), self.left()), (before, []))

    async def test_expected(self) -> None:
        """
        The caller may say what the ref must be now.
        """
        zero, tip = "0" * 40, self.rev("main", self.far)
        self.assertTrue((await self.call(expected_target_old_oid=zero)).result)
        error = await self.error(self.call(expected_target_old_oid=zero))
        self.assertEqual((error.code, error.message), (Code.ABORTED, "reference does not point to expected object"))
        mismatch = ReferenceStateMismatchError(
            reference_name=b"refs/merge-requests/1/head", expected_object_id=zero.encode(), actual_object_id=tip.encode()
        )
        self.assertEqual(error.details, (mismatch,))
        self.assertTrue((await self.call(expected_target_old_oid=tip)).result)

    async def test_bad_requests(self) -> None:
        """
        Names are checked, then where the source is; a ref that cannot be written is told.
        """
        invalid = Code.INVALID_ARGUMENT
        for fields, code, text in (
            ({"repository": None}, invalid, "repository not set"),
            ({"source_branch": b""}, invalid, "empty revision"),
            ({"source_branch": b"-x"}, invalid, "revision can't start with '-'"),
            ({"target_ref": b""}, invalid, "empty revision"),
            ({"target_ref": b"a:b"}, invalid, "revision can't contain ':'"),
            ({"expected_target_old_oid": "x"}, invalid, 'invalid object ID: "x", expected length 40, got 1'),
            (
                {"source_repository": Repository(storage_name="x", relative_path="a")},
                Code.INTERNAL,
                "remote repository: storage name not found",
            ),
        ):
            self.assertEqual(await self.refusal(self.call(**fields)), (code, text))
        tip = self.rev("main", self.far)
        text = f'UpdateRef: failed updating reference "refs/heads/main/x" from "" to "{tip}": exit status 128, stderr: '
        code, said = await self.refusal(self.call(target_ref=b"refs/heads/main/x"))
        self.assertEqual((code, said[: len(text)]), (Code.INTERNAL, text))
        code, said = await self.refusal(self.call(target_ref=b"main"))
        self.assertEqual(code, Code.INTERNAL)
        self.assertEqual((len(self.refs()), self.left()), (1, []))
