"""
Another Gitaly, which has the repositories of a directory.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from typing import Any

from zope.interface import implementer

from gitaly_tx.client.interfaces import IConversation, IPeer, PeerError
from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.command import Command
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.interfaces import IGit
from gitaly_tx.streams import StreamBroken
from protocols.gitaly.commit_pb2 import FindCommitResponse
from protocols.gitaly.shared_pb2 import GitCommit
from protocols.gitaly.ssh_pb2 import SSHUploadPackResponse

from .git import git


@implementer(IConversation)
class UploadPack:
    """
    ``SSHUploadPack``, by git.
    """

    def __init__(self, git: IGit, root: str) -> None:
        self._git = git
        self._root = root
        self._child: Any = None
        self._path = ""
        self._ended = False

    async def send(self, request: Any) -> None:
        """
        The first request names the repository.
        """
        if self._child is None:
            self._path = os.path.join(self._root, request.repository.relative_path)
            command = Command("upload-pack", directory=GitDirectory(self._path))
            self._child = self._git.spawn(command, environment={"GIT_PROTOCOL": request.git_protocol})
        if request.stdin:
            await self._child.stdin.write(request.stdin)

    async def finish(self) -> None:
        """
        There is no more.
        """
        self._child.close_stdin()

    async def receive(self) -> Any:
        """
        What git says.
        """
        try:
            data = await self._child.stdout.read()
        except StreamBroken as error:
            raise PeerError("canceled", Code.CANCELLED) from error
        if data:
            return SSHUploadPackResponse(stdout=data)
        ended = await self._child.wait()
        if ended.status and not self._ended:
            self._ended = True
            raise PeerError(f"running upload-pack: {ended}", Code.INTERNAL)
        return None

    def cancel(self) -> None:
        """
        End it.
        """
        if self._child is not None:
            self._child.kill()


@implementer(IPeer)
class LocalPeer:
    """
    :param answers: replies to further methods, by their names.
    """

    address = "unix:/none"
    token = ""

    def __init__(self, git: IGit, root: str, answers: dict[str, Callable[[Any], Any]]) -> None:
        self._git = git
        self._root = root
        self._answers = answers

    async def unary(self, method: str, request: Any) -> Any:
        """
        Answer.
        """
        if method == "CommitService/FindCommit":
            path = os.path.join(self._root, request.repository.relative_path)
            words = ("rev-parse", "--verify", "--quiet", f"{request.revision.decode()}^{{commit}}")
            found = git("--git-dir", path, *words, check=False).decode().strip()
            return FindCommitResponse(commit=GitCommit(id=found)) if found else FindCommitResponse()
        return self._answers[method](request)

    async def replies(self, method: str, request: Any) -> AsyncIterator[Any]:
        """
        Answer.
        """
        for reply in self._answers[method](request):
            yield reply

    async def upload(self, method: str, requests: Any) -> Any:
        """
        Not needed.
        """
        raise NotImplementedError

    async def talk(self, method: str, request: Any, talk: Any) -> Any:
        """
        Not needed.
        """
        raise NotImplementedError

    def converse(self, method: str) -> UploadPack:
        """
        Begin to fetch.
        """
        assert method == "SSHService/SSHUploadPack"
        return UploadPack(self._git, self._root)


class LocalPeers:
    """
    Knows peers by the storages that they keep.
    """

    def __init__(self, git: IGit, roots: dict[str, str]) -> None:
        self._git = git
        self._roots = roots
        self.answers: dict[str, Callable[[Any], Any]] = {}
        self.error: GitalyError | None = None

    def named(self, call: Any, storage: str) -> LocalPeer:
        """
        As the caller's metadata would say it.
        """
        if self.error is not None:
            raise self.error
        if storage not in self._roots:
            raise GitalyError("storage name not found")
        return LocalPeer(self._git, self._roots[storage], self.answers)
