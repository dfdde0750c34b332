"""
Tests for CreateRepositoryFromBundle and FetchBundle.
"""

from __future__ import annotations

import os
from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.hooks.interfaces import Change
from protocols.gitaly import repository_pb2 as pb
from tests.support.git import git
from tests.support.outwardcase import NEW, OutwardCase
from tests.support.writecase import NAME, each


class BundleCase(OutwardCase):
    """
    A bundle of another repository.
    """

    def bundle(self, *words: str, path: str | None = None) -> bytes:
        """
        Make one.
        """
        return git("--git-dir", path or self.far, "bundle", "create", "-", *(words or ("--all",)))


class CreateRepositoryFromBundleTests(BundleCase):
    """
    ``CreateRepositoryFromBundle``
    """

    def call(self, *pieces: bytes, repository: Any = NEW) -> Any:
        requests = [pb.CreateRepositoryFromBundleRequest(data=piece) for piece in pieces]
        if requests and repository is not None:
            requests[0].repository.CopyFrom(repository)
        return self.service.CreateRepositoryFromBundle(None, each(requests))  # type: ignore[arg-type]

    async def test_created(self) -> None:
        """
        The repository has all refs and HEAD, and is whole; nothing of the way there is left.
        """
        for name in ("refs/heads/other", "refs/tags/t", "refs/keep-around/x"):
            self.far_ref(name, "main~1")
        self.run_git("symbolic-ref", "HEAD", "refs/heads/other", path=self.far)
        data = self.bundle("HEAD", "--all")
        await self.call(data[:100], data[100:], b"")
        self.assertEqual((self.refs(self.new), self.head(self.new)), (self.refs(self.far), "refs/heads/other"))
        self.run_git("fsck", "--strict", path=self.new)
        self.assertEqual(sorted(os.listdir(self.new)), ["HEAD", "config", "objects", "packed-refs", "refs"])
        self.assertNotIn("remote", self.run_git("config", "--list", "--local", path=self.new))
        self.assertEqual(self.left(), [])
        self.assertEqual(self.sink.heard, [{**self.refs(self.new), "HEAD": "refs/heads/other"}])
        self.assertEqual(self.sink.changes, [("new.git", Change.CREATED)])

    async def test_long_ids(self) -> None:
        """
        The repository names its objects as the bundle does.
        """
        far = self.make("far256.git", 2, object_format="sha256")
        await self.call(self.bundle(path=far))
        self.assertEqual(self.refs(self.new), self.refs(far))
        self.assertEqual(self.run_git("rev-parse", "--show-object-format", path=self.new), "sha256")
        self.assertEqual(self.left(), [])

    async def test_detached(self) -> None:
        """
        A HEAD that is no name becomes one for a branch at its commit, if there is one.
        """
        self.far_ref("refs/heads/a", "main~1")
        self.run_git("update-ref", "--no-deref", "HEAD", "main~1", path=self.far)
        await self.call(self.bundle("HEAD", "--all"))
        self.assertEqual(self.head(self.new), "refs/heads/a")

    async def test_broken(self) -> None:
        """
        What is no bundle, or one with something missing, makes nothing.
        """
        data = self.bundle()
        thin = self.bundle("main", "^main~1")
        expected = (Code.INTERNAL, "creating repository: cloning bundle: waiting for git-clone: exit status 128")
        damaged = data[:-30] + b"x" * 30
        for bad in (b"", b"no bundle", data[: len(data) // 2], damaged, thin):
            self.assertEqual(await self.refusal(self.call(bad)), expected)
            self.assert_nothing()

    async def test_bad_requests(self) -> None:
        """
        That there is a repository already is said first; so is what is wrong with a name.
        """
        self.assertEqual(await self.refusal(self.call()), (Code.INTERNAL, "first request failed: EOF"))
        self.assertEqual(await self.refusal(self.call(b"", repository=None)), (Code.INVALID_ARGUMENT, "repository not set"))
        exists = (Code.ALREADY_EXISTS, "creating repository: repository exists already")
        self.assertEqual(await self.refusal(self.call(self.bundle(), repository=NAME)), exists)
        self.assert_nothing()


class FetchBundleTests(BundleCase):
    """
    ``FetchBundle``
    """

    def call(self, *pieces: bytes, **fields: Any) -> Any:
        fields.setdefault("repository", NAME)
        requests = [pb.FetchBundleRequest(data=piece) for piece in pieces]
        if requests:
            requests[0].MergeFrom(pb.FetchBundleRequest(**fields))
        return self.service.FetchBundle(None, each(requests))  # type: ignore[arg-type]

    async def test_fetched(self) -> None:
        """
        Refs are what the bundle says, by force; others stay, and so does HEAD.
        """
        own = self.run_git("commit-tree", self.rev("main^{tree}"), stdin=b"own")
        self.run_git("update-ref", "refs/heads/main", own)
        self.run_git("update-ref", "refs/heads/mine", own)
        self.far_ref("refs/keep-around/x", "main~1")
        data = self.bundle()
        await self.call(data[:50], data[50:])
        self.assertEqual(self.refs(), {**self.refs(self.far), "refs/heads/mine": own})
        self.assertEqual(self.left(), [])

    async def test_head(self) -> None:
        """
        HEAD becomes a name for the most likely branch, if the bundle has one.
        """
        self.far_ref("refs/heads/b")
        self.far_ref("refs/heads/a", "main~1")
        self.run_git("symbolic-ref", "HEAD", "refs/heads/a", path=self.far)
        await self.call(self.bundle(), update_head=True)
        self.assertEqual(self.head(self.directory.path), "refs/heads/a")
        self.run_git("symbolic-ref", "HEAD", "refs/heads/b", path=self.far)
        await self.call(self.bundle(), update_head=True)
        self.assertEqual(self.head(self.directory.path), "refs/heads/main")
        await self.call(self.bundle("refs/heads/b"), update_head=True)
        self.assertEqual(self.head(self.directory.path), "refs/heads/main")
        self.run_git("update-ref", "--no-deref", "HEAD", "main~2", path=self.far)
        text = "fetch bundle: update head from bundle: guess head: reference not found"
        self.assertEqual(await self.refusal(self.call(self.bundle("HEAD"), update_head=True)), (Code.INTERNAL, text))
        self.assertEqual([event.head for event in self.sink.events], [b"refs/heads/a", b"refs/heads/main"])

    async def test_bad_requests(self) -> None:
        """
        What is no bundle changes nothing, and no path of the server is told.
        """
        self.assertEqual(await self.refusal(self.call()), (Code.INTERNAL, "first request: EOF"))
        self.assertEqual(await self.refusal(self.call(b"", repository=None)), (Code.INVALID_ARGUMENT, "repository not set"))
        before = self.refs()
        code, text = await self.refusal(self.call(b"no bundle"))
        self.assertEqual(code, Code.INTERNAL)
        self.assertTrue(text.startswith('fetch bundle: exit status 128, stderr: "fatal: '), text)
        self.assertNotIn(self.root, text)
        self.run_git("update-ref", "refs/heads/x/y", "main")
        self.far_ref("refs/heads/x")
        refused = await self.refusal(self.call(self.bundle()))
        self.assertEqual(refused, (Code.INTERNAL, "fetch bundle: file directory conflict"))
        self.assertEqual((self.refs(), self.left()), ({**before, "refs/heads/x/y": self.rev("main")}, []))
