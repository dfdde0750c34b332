"""
Commits that the server signs.
"""

from __future__ import annotations

from typing import Any

from gitaly_tx.git.parse.commit import signed_parts
from gitaly_tx.signing.system import Signing, parse
from protocols.gitaly import operations_pb2 as pb
from protocols.gitaly.shared_pb2 import GitCommit
from tests.support.git import git
from tests.support.signingkeys import openpgp_key, ssh_key

from . import case


class SigningCase(case.OperationCase):
    """
    Two branches that can be merged.
    """

    signing = Signing(parse(ssh_key()))

    def fill(self) -> None:
        """
        ``main`` and ``topic`` have parted.
        """
        self.commit({"file": "base\n"})
        self.run_git("update-ref", "refs/heads/topic", "refs/heads/main")
        self.main = self.commit({"other": "x\n"})
        self.topic = self.commit({"file": "changed\n"}, branch="topic")

    async def merge_branch(self, **more: Any) -> str:
        """
        ``UserMergeBranch``
        """
        header = pb.UserMergeBranchRequest(
            repository=case.NAME, user=case.USER, branch=b"main", commit_id=self.topic, message=b"m", **more
        )
        replies = [reply async for reply in self.stream("UserMergeBranch", header, pb.UserMergeBranchRequest(apply=True))]
        return str(replies[0].commit_id)

    async def merge_to_ref(self, **more: Any) -> str:
        """
        ``UserMergeToRef``
        """
        fields = {"source_sha": self.topic, "first_parent_ref": b"main", "target_ref": b"refs/merge-requests/1/merge"}
        reply = await self.call("UserMergeToRef", message=b"m", **fields, **more)
        return str(reply.commit_id)

    async def squash(self, **more: Any) -> str:
        """
        ``UserSquash``
        """
        fields = {"start_sha": self.main, "end_sha": self.topic, "author": case.USER, "commit_message": b"m"}
        reply = await self.call("UserSquash", **fields, **more)
        return str(reply.squash_sha)

    async def cherry_pick(self, **more: Any) -> str:
        """
        ``UserCherryPick``
        """
        fields = {"commit": GitCommit(id=self.topic), "branch_name": b"main", "message": b"m"}
        reply = await self.call("UserCherryPick", **fields, **more)
        return str(reply.branch_update.commit_id)

    async def revert(self, **more: Any) -> str:
        """
        ``UserRevert``
        """
        fields = {"commit": GitCommit(id=self.main), "branch_name": b"main", "message": b"m"}
        reply = await self.call("UserRevert", **fields, **more)
        return str(reply.branch_update.commit_id)

    async def commit_files(self, **more: Any) -> str:
        """
        ``UserCommitFiles``
        """
        header = pb.UserCommitFilesRequestHeader(
            repository=case.NAME, user=case.USER, branch_name=b"main", commit_message=b"m", **more
        )
        reply = await self.stream("UserCommitFiles", pb.UserCommitFilesRequest(header=header))
        return str(reply.branch_update.commit_id)

    def made(self, oid: str) -> tuple[bytes, bytes] | None:
        """
        The signature of a commit, and what is signed.
        """
        return signed_parts(git("-C", self.path, "cat-file", "commit", oid))

    def committer(self, oid: str) -> str:
        """
        Who committed it.
        """
        return self.run_git("log", "-1", "--no-show-signature", "--format=%cn <%ce>", oid)


class SignedTests(SigningCase):
    """
    With an SSH key.
    """

    async def test_signed(self) -> None:
        """
        Every method that can sign does so if the request asks for it, or the flag; and not otherwise.
        """
        for method in (
            self.squash,
            self.merge_to_ref,
            self.commit_files,
            self.revert,
            self.cherry_pick,
            self.merge_branch,
        ):
            for flag, asked in ((False, False), (True, False), (False, True)):
                with self.subTest(method=method.__name__, flag=flag, asked=asked):
                    self.run_git("update-ref", "refs/heads/main", self.main)
                    self.flags = {"gpg_signing": flag}
                    oid = await method(sign=asked)
                    parts = self.made(oid)
                    if not (flag or asked):
                        self.assertIsNone(parts)
                    else:
                        assert parts is not None
                        self.assertTrue(self.signing.verifies(*parts))
                    self.assertEqual(self.committer(oid), "Alpha <alpha@example.org>")
        self.run_git("fsck", "--no-dangling")

    async def test_committer(self) -> None:
        """
        Whom the configuration names commits what is signed; the user stays its author.
        """
        self.ports = type(self.ports)(
            self.stack.git,
            self.stack.provider,
            self.peers,
            self.updater,
            self.stack.threads,
            Signing(parse(openpgp_key()), (), (b"Server", b"server@example.org")),
        )
        self.service = type(self.service)(self.ports)
        for method in (self.squash, self.merge_to_ref, self.commit_files, self.merge_branch):
            with self.subTest(method=method.__name__):
                self.run_git("update-ref", "refs/heads/main", self.main)
                oid = await method(sign=True)
                self.assertEqual(self.committer(oid), "Server <server@example.org>")
                self.assertEqual(self.run_git("log", "-1", "--format=%an", oid), "Alpha")
                parts = self.made(oid)
                assert parts is not None
                self.assertTrue(self.ports.signing.verifies(*parts))
                self.run_git("update-ref", "refs/heads/main", self.main)
                oid = await method()
                self.assertEqual(self.committer(oid), "Alpha <alpha@example.org>")


class Sha256Tests(SigningCase):
    """
    In a repository of the other format.
    """

    object_format = "sha256"

    async def test_header(self) -> None:
        """
        The signature has the header of that format.
        """
        oid = await self.commit_files(sign=True)
        self.assertIn("\ngpgsig-sha256 -----BEGIN SSH SIGNATURE-----\n", self.run_git("cat-file", "commit", oid))
        parts = self.made(oid)
        assert parts is not None
        self.assertTrue(self.signing.verifies(*parts))


class NoKeyTests(SigningCase):
    """
    Without a key.
    """

    signing = Signing()

    async def test_unsigned(self) -> None:
        """
        There is nothing to sign with, and commits are made all the same.
        """
        self.assertIsNone(self.made(await self.commit_files(sign=True)))
