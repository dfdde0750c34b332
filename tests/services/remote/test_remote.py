"""
Tests for RemoteService: FindRemoteRepository and FindRemoteRootRef.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code
from gitaly_tx.git.command import Command
from gitaly_tx.git.interfaces import Ended
from gitaly_tx.rpc.interfaces import IMethods
from gitaly_tx.services.remote.service import RemoteService
from gitaly_tx.storage.interfaces import StorageInfo
from gitaly_tx.transport.remotefetch import RemoteFetch
from gitaly_tx.transport.remotes import Remotes
from protocols.gitaly.remote_pb2 import FindRemoteRepositoryRequest, FindRemoteRootRefRequest
from tests.support.hearing import make_unasked
from tests.support.readcase import NAME, RELATIVE_PATH, ReadCase
from tests.support.threads import inline_threads

URL = "https://example.org/a.git"


class FarGit:
    """
    A git whose network has one answer.
    """

    def __init__(self) -> None:
        self.output = b""
        self.status = 0
        self.ran: list[tuple[list[str], Mapping[str, str]]] = []

    async def run(self, command: Command, *, check: bool, environment: Mapping[str, str] | None = None) -> tuple[bytes, Ended]:
        """
        Answer.
        """
        words = [word.decode() for word in command.argv("git")]
        self.ran.append((words[words.index(command.name) :], environment or {}))
        return self.output, Ended(self.status)


class RemoteCase(ReadCase):
    """
    The service, with no network.
    """

    def fill(self) -> None:
        self.far = FarGit()
        git: Any = self.far
        root = os.path.dirname(self.directory.path)
        self.storage.storages = {"default": StorageInfo("default", root, "")}
        remotes = Remotes(self.storage, inline_threads, resolve=lambda host, port: ["93.184.215.14"])
        self.service = RemoteService(
            self.storage, git, remotes, RemoteFetch(git, inline_threads, make_unasked(git), lambda _: None)
        )

    def call(self, method: str, request: Any) -> Any:
        return getattr(self.service, method)(None, request)


class FindRemoteRepositoryTests(RemoteCase):
    """
    ``FindRemoteRepository``
    """

    async def exists(self, remote: str = URL) -> bool:
        return bool((await self.reply(self.call("FindRemoteRepository", FindRemoteRepositoryRequest(remote=remote)))).exists)

    async def test_exists(self) -> None:
        """
        A repository exists if git shows its HEAD, and nothing else.
        """
        verifyObject(IMethods, self.service)
        for output, status, expected in (
            (b"1" * 40 + b"\tHEAD\n", 0, True),
            (b"1" * 64 + b"\tHEAD\n", 0, True),
            (b"1" * 40 + b"\tHEAD\n", 128, False),
            (b"1" * 39 + b"\tHEAD\n", 0, False),
            (b"1" * 40 + b"\tHEAD\nmore\n", 0, False),
            (b"", 0, False),
        ):
            self.far.output, self.far.status = output, status
            self.assertEqual(await self.exists(), expected)
        self.assertEqual(self.far.ran[0][0], ["ls-remote", "--end-of-options", "inmemory", "HEAD"])

    async def test_here(self) -> None:
        """
        On this machine only repositories in this server's storages are looked at, and without git (faults 105 to 107): one with
        commits exists.
        """
        self.far.output = b"1" * 40 + b"\tHEAD\n"
        path = f"{os.path.dirname(self.directory.path)}/{RELATIVE_PATH}"
        for remote in (path, f"file://{path}", "/etc", f"{path}/none", "ext::sh -c id", "fd::17/foo"):
            self.assertFalse(await self.exists(remote))
        self.run_git("update-ref", "refs/heads/main", self.run_git("commit-tree", self.run_git("mktree"), stdin=b"x"))
        for remote in (path, f"file://{path}"):
            self.assertTrue(await self.exists(remote))
        self.assertEqual(self.far.ran, [])

    async def test_bad_requests(self) -> None:
        """
        An empty remote is refused, and one that looks like an option (fault 108).
        """
        refused = await self.refusal(self.call("FindRemoteRepository", FindRemoteRepositoryRequest()))
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "empty remote can't be checked."))
        refused = await self.refusal(self.call("FindRemoteRepository", FindRemoteRepositoryRequest(remote="-x")))
        text = "error executing git command: positional arg \"-x\" cannot start with dash '-': invalid argument"
        self.assertEqual(refused, (Code.INTERNAL, text))


class FindRemoteRootRefTests(RemoteCase):
    """
    ``FindRemoteRootRef``
    """

    def find(self, **fields: Any) -> Any:
        fields.setdefault("repository", NAME)
        fields.setdefault("remote_url", URL)
        return self.call("FindRemoteRootRef", FindRemoteRootRefRequest(**fields))

    async def test_found(self) -> None:
        """
        The branch is the one that git names; secrets travel in the environment.
        """
        self.far.output = b"* remote inmemory\n  Fetch URL: x\n  HEAD branch: feature/one\n"
        reply = await self.reply(self.find(http_authorization_header="Basic eA==", resolved_address="1.2.3.4"))
        self.assertEqual(reply.ref, "feature/one")
        words, environment = self.far.ran[0]
        self.assertEqual(words, ["remote", "show", "inmemory"])
        self.assertEqual(
            environment,
            {
                "GIT_CONFIG_COUNT": "3",
                "GIT_CONFIG_KEY_0": "http.curloptResolve",
                "GIT_CONFIG_VALUE_0": "example.org:443:1.2.3.4",
                "GIT_CONFIG_KEY_1": f"http.{URL}.extraHeader",
                "GIT_CONFIG_VALUE_1": "Authorization: Basic eA==",
                "GIT_CONFIG_KEY_2": "remote.inmemory.url",
                "GIT_CONFIG_VALUE_2": URL,
            },
        )

    async def test_not_found(self) -> None:
        """
        A HEAD that is a name for nothing, and one that is not told clearly, are not found; a failure is git's exit status.
        """
        for output, status, code, text in (
            (b"  HEAD branch: (unknown)\n", 0, Code.NOT_FOUND, "no remote HEAD found"),
            (b"  HEAD branch (remote HEAD is ambiguous, may be one of the following):\n    a\n", 0, Code.NOT_FOUND, None),
            (b"", 0, Code.NOT_FOUND, None),
            (b"", 128, Code.INTERNAL, "exit status 128"),
        ):
            self.far.output, self.far.status = output, status
            self.assertEqual(await self.refusal(self.find()), (code, text or "couldn't query the remote HEAD"))

    async def test_ours(self) -> None:
        """
        A repository of this server is answered without git; at other paths there is none, whatever there is (fault 106).
        """
        url = f"file://{os.path.dirname(self.directory.path)}/{RELATIVE_PATH}"
        self.assertEqual(await self.refusal(self.find(remote_url=url)), (Code.NOT_FOUND, "no remote HEAD found"))
        tree = self.run_git("mktree")
        self.run_git("update-ref", "refs/heads/main", self.run_git("commit-tree", tree, stdin=b"x"))
        self.assertEqual((await self.reply(self.find(remote_url=url))).ref, "main")
        self.run_git("update-ref", "--no-deref", "HEAD", "main")
        self.assertEqual((await self.reply(self.find(remote_url=url))).ref, "main")
        self.run_git("update-ref", "refs/heads/other", "main")
        refused = await self.refusal(self.find(remote_url=url))
        self.assertEqual(refused, (Code.NOT_FOUND, "couldn't query the remote HEAD"))
        self.run_git("update-ref", "--no-deref", "HEAD", self.run_git("commit-tree", tree, stdin=b"y"))
        self.assertEqual(await self.refusal(self.find(remote_url=url)), (Code.NOT_FOUND, "no remote HEAD found"))
        for other in ("file:///etc", "/etc", f"file://{self.storage.storages['default'].path}/../x"):
            refused = await self.refusal(self.find(remote_url=other))
            self.assertEqual(refused, (Code.INTERNAL, "exit status 128"))
        self.assertEqual(self.far.ran, [])

    async def test_bad_requests(self) -> None:
        """
        The URL is missed first, then the repository; then come addresses.
        """
        refused = await self.refusal(self.find(remote_url="", repository=None))
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, "missing remote URL"))
        self.assertEqual(await self.refusal(self.find(repository=None)), (Code.INVALID_ARGUMENT, "repository not set"))
        refused = await self.refusal(self.find(resolved_address="x"))
        text = "couldn't get curloptResolve config: resolved address has invalid IPv4/IPv6 address"
        self.assertEqual(refused, (Code.INVALID_ARGUMENT, text))
