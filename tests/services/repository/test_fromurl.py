"""
Tests for CreateRepositoryFromURL.
"""

from __future__ import annotations

import os
from typing import Any

from gitaly_tx.errors import Code
from gitaly_tx.hooks.interfaces import Change
from protocols.gitaly import repository_pb2 as pb
from tests.support.farserver import FarServer
from tests.support.outwardcase import NEW, OutwardCase
from tests.support.writecase import NAME


class CreateRepositoryFromURLTests(OutwardCase):
    """
    ``CreateRepositoryFromURL``
    """

    def fill(self) -> None:
        super().fill()
        self.server = FarServer(self.root)
        self.addCleanup(self.server.stop)
        self.far_ref("refs/heads/other", "main~1")
        self.far_ref("refs/tags/t")
        self.far_ref("refs/merge-requests/1/head")
        self.run_git("symbolic-ref", "HEAD", "refs/heads/other", path=self.far)
        self.server.publish(self.far)
        self.url = f"{self.server.url}/far.git"

    def call(self, url: str | None = None, **fields: Any) -> Any:
        fields.setdefault("repository", NEW)
        request = pb.CreateRepositoryFromURLRequest(url=self.url if url is None else url, **fields)
        return self.service.CreateRepositoryFromURL(None, request)  # type: ignore[arg-type]

    async def test_cloned(self) -> None:
        """
        The clone has branches and tags, HEAD as it is there, and no trace of where it came from.
        """
        await self.call()
        self.assertEqual(sorted(self.refs(self.new)), ["refs/heads/main", "refs/heads/other", "refs/tags/t"])
        self.assertEqual(self.head(self.new), "refs/heads/other")
        self.run_git("fsck", path=self.new)
        with open(os.path.join(self.new, "config"), "rb") as file:
            self.assertNotIn(b"remote", file.read())
        self.assertEqual(self.left(), [])
        self.assertEqual(self.sink.heard, [{**self.refs(self.new), "HEAD": "refs/heads/other"}])
        self.assertEqual(self.sink.changes, [("new.git", Change.CREATED)])

    async def test_mirror(self) -> None:
        """
        A mirror has all refs.
        """
        await self.call(mirror=True)
        self.assertEqual(self.refs(self.new), self.refs(self.far))

    async def test_credentials(self) -> None:
        """
        Credentials of the URL win over those beside it.
        """
        self.server.authorization = "Basic dTpzM2NyZXQ="
        await self.call(self.url.replace("//", "//u:s3cret@"), http_authorization_header="Bearer x")
        self.assertEqual({shown for _, shown in self.server.asked}, {"Basic dTpzM2NyZXQ="})

    async def test_failed(self) -> None:
        """
        What cannot be cloned makes nothing, and the answer does not say why.
        """
        failed = (Code.INTERNAL, "creating repository: cloning repository: exit status 128")
        self.assertEqual(await self.refusal(self.call(f"{self.server.url}/none.git")), failed)
        self.server.authorization = "x"
        self.assertEqual(await self.refusal(self.call(self.url)), failed)
        self.server.render = lambda request: request.redirect(b"http://127.0.0.1:1/") or b""  # type: ignore[method-assign]
        self.assertEqual(await self.refusal(self.call(self.url)), failed)
        self.assert_nothing()

    async def test_bad_requests(self) -> None:
        """
        Names are checked, then URLs (faults 104 to 109, 119, 121); a path of this machine is none (fault 106).
        """
        invalid = Code.INVALID_ARGUMENT
        self.assertEqual(await self.refusal(self.call(repository=None)), (invalid, "repository not set"))
        self.assertEqual(await self.refusal(self.call("")), (invalid, "empty Url"))
        exists = (Code.ALREADY_EXISTS, "creating repository: repository exists already")
        self.assertEqual(await self.refusal(self.call(repository=NAME)), exists)
        starting = "creating repository: starting clone"
        text = f"{starting}: remote URL not supported"
        for url in (self.far, f"file://{self.far}", "ext::sh -c id", "fd::17/foo", "--upload-pack=id", "http://u:pa%0ass@h/"):
            self.assertEqual(await self.refusal(self.call(url)), (invalid, text))
        text = f"{starting}: couldn't get curloptResolve config: resolved address has invalid IPv4/IPv6 address"
        self.assertEqual(await self.refusal(self.call(resolved_address="x")), (invalid, text))
        self.private = False
        self.service = self.make_service()
        text = "creating repository: remote address not allowed"
        self.assertEqual(await self.refusal(self.call()), (Code.INTERNAL, text))
        self.assert_nothing()
