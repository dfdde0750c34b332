"""
Tests for CreateRepositoryFromSnapshot.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred

from gitaly_tx.errors import Code
from gitaly_tx.hooks.interfaces import Change
from protocols.gitaly import repository_pb2 as pb
from protocols.gitaly.shared_pb2 import Repository
from tests.support.farserver import FarServer
from tests.support.outwardcase import NEW, OutwardCase
from tests.support.writecase import NAME

EXTRACTING = "creating repository: extracting snapshot: "


class CreateRepositoryFromSnapshotTests(OutwardCase):
    """
    ``CreateRepositoryFromSnapshot``
    """

    def fill(self) -> None:
        super().fill()
        self.server = FarServer(self.root)
        self.addCleanup(self.server.stop)
        self.url = f"{self.server.url}/a.tar"

    async def serve(self, relative_path: str = "far.git") -> None:
        """
        Let the server have a snapshot of a repository.
        """
        name = Repository(storage_name="default", relative_path=relative_path)
        replies = self.service.GetSnapshot(None, pb.GetSnapshotRequest(repository=name))  # type: ignore[arg-type]
        self.write(b"".join([reply.data async for reply in replies]))

    def write(self, data: bytes) -> None:
        with open(os.path.join(self.root, "a.tar"), "wb") as file:
            file.write(data)

    def call(self, url: str | None = None, **fields: Any) -> Any:
        fields.setdefault("repository", NEW)
        request = pb.CreateRepositoryFromSnapshotRequest(http_url=self.url if url is None else url, **fields)
        return self.service.CreateRepositoryFromSnapshot(None, request)  # type: ignore[arg-type]

    async def test_created(self) -> None:
        """
        The repository has all refs, HEAD and all objects of the snapshot, also those that nothing refers to.
        """
        lonely = self.run_git("hash-object", "-w", "--stdin", stdin=b"lonely", path=self.far)
        self.far_ref("refs/keep-around/x", "main~1")
        self.run_git("pack-refs", "--all", path=self.far)
        self.far_ref("refs/heads/loose", "main~1")
        self.run_git("symbolic-ref", "HEAD", "refs/heads/loose", path=self.far)
        await self.serve()
        self.server.authorization = "Magic secret"
        await self.call(http_auth="Magic secret")
        self.assertEqual((self.refs(self.new), self.head(self.new)), (self.refs(self.far), "refs/heads/loose"))
        self.assertEqual(self.run_git("cat-file", "blob", lonely, path=self.new), "lonely")
        self.run_git("fsck", path=self.new)
        self.assertEqual(self.left(), [])
        self.assertEqual(self.sink.heard, [{**self.refs(self.new), "HEAD": "refs/heads/loose"}])
        self.assertEqual(self.sink.changes, [("new.git", Change.CREATED)])

    async def test_long_ids(self) -> None:
        """
        A snapshot of a repository with long ids makes another one.
        """
        far = self.make("far256.git", 2, object_format="sha256")
        await self.serve("far256.git")
        await self.call()
        self.assertEqual(self.refs(self.new), self.refs(far))
        self.assertEqual(self.run_git("rev-parse", "--show-object-format", path=self.new), "sha256")

    async def test_broken(self) -> None:
        """
        What is no snapshot, or one with something missing, makes nothing.
        """
        await self.serve()
        with open(os.path.join(self.root, "a.tar"), "rb") as file:
            data = file.read()
        for bad in (b"", b"no tar", data[: len(data) // 2]):
            self.write(bad)
            self.assertEqual(await self.refusal(self.call()), (Code.INTERNAL, f"{EXTRACTING}exit status 2"))
        tree = self.rev("main^{tree}", self.far)
        os.unlink(os.path.join(self.far, "objects", tree[:2], tree[2:]))
        await self.serve()
        self.assertEqual(await self.refusal(self.call()), (Code.INTERNAL, f"{EXTRACTING}exit status 2"))
        self.assert_nothing()

    async def test_failed(self) -> None:
        """
        What the server answers is told; redirects are not followed, and nobody waits for a server that is not there.
        """
        answers = (
            (f"{self.server.url}/none.tar", "HTTP server: 404 Not Found"),
            ("http://127.0.0.1:1/a.tar", "HTTP request failed"),
        )
        for url, text in answers:
            self.assertEqual(await self.refusal(self.call(url)), (Code.INTERNAL, EXTRACTING + text))
        self.server.render = lambda request: request.redirect(b"/a.tar") or b""  # type: ignore[method-assign]
        self.assertEqual(await self.refusal(self.call()), (Code.INTERNAL, f"{EXTRACTING}HTTP server: 302 Found"))
        self.assert_nothing()

    async def test_resolved(self) -> None:
        """
        The address that the caller has found out is the one that is connected to.
        """
        await self.serve()
        await self.call(self.url.replace("127.0.0.1", "e.example"), resolved_address="127.0.0.1")
        self.assertEqual(self.refs(self.new), self.refs(self.far))

    async def test_cancelled(self) -> None:
        """
        Who stops waiting leaves nothing behind.
        """
        stuck: Deferred[Any] = Deferred()
        self.server.render = lambda request: stuck.callback(request) or 1  # type: ignore[method-assign,func-returns-value]
        asked = Deferred.fromCoroutine(self.call())
        request = await stuck
        asked.cancel()
        await asked.addErrback(lambda _: None)
        request.finish()
        await self.stack.threads(lambda: None)
        self.assertEqual(self.stack.alive, 0)

    async def test_bad_requests(self) -> None:
        """
        Only plain URLs of HTTP are used, and only where they may lead (faults 110 to 121).
        """
        invalid = Code.INVALID_ARGUMENT
        resolving = f"{EXTRACTING}creating resolved HTTP client: "
        for fields, text in (
            ({"repository": None}, "repository not set"),
            ({"url": "a!b://c"}, f'{EXTRACTING}Bad HTTP URL: parse "a!b://c": first path segment in URL cannot contain colon'),
            ({"url": "ftp://e.org/", "resolved_address": "1.2.3.4"}, f'{resolving}unsupported schema "ftp"'),
            ({"resolved_address": "x"}, f'{resolving}invalid resolved address "x"'),
            ({"url": "http://a@b@c/"}, f"{EXTRACTING}remote URL not supported"),
            ({"http_auth": "x\r\nEvil: y"}, f"{EXTRACTING}invalid authorization header"),
        ):
            given: Any = fields
            self.assertEqual(await self.refusal(self.call(**given)), (invalid, text))
        for url, scheme in (("", ""), ("/etc/passwd", ""), ("file:///etc/passwd", "file")):
            text = f'{EXTRACTING}HTTP request failed: Get "{url}": unsupported protocol scheme "{scheme}"'
            self.assertEqual(await self.refusal(self.call(url)), (Code.INTERNAL, text))
        exists = (Code.ALREADY_EXISTS, "creating repository: repository exists already")
        self.assertEqual(await self.refusal(self.call(repository=NAME)), exists)
        self.private = False
        self.service = self.make_service()
        self.assertEqual(await self.refusal(self.call()), (Code.INTERNAL, f"{EXTRACTING}remote address not allowed"))
        unknown = self.call("http://none.invalid/a.tar")
        self.assertEqual(await self.refusal(unknown), (Code.INTERNAL, f"{EXTRACTING}HTTP request failed"))
        self.assert_nothing()
