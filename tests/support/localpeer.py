"""
Another Gitaly, which has the repositories of a directory.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from zope.interface import implementer

from gitaly_tx.client.interfaces import IConversation, IPeer, PeerError
from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.command import Command
from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.interfaces import IGit
from gitaly_tx.streams import StreamBroken
from gitaly_tx.transport.fetchconfig import settings
from protocols.git import sideband
from protocols.gitaly.commit_pb2 import FindCommitResponse
from protocols.gitaly.shared_pb2 import GitCommit
from protocols.gitaly.ssh_pb2 import SSHUploadPackRequest, SSHUploadPackResponse

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
            config = settings(request.git_config_options)
            command = Command("upload-pack", config=config, directory=GitDirectory(self._path))
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


@implementer(IConversation)
class Unknown:
    """
    A call of a method that the peer does not have.
    """

    async def send(self, request: Any) -> None:
        """
        That is taken; the answer tells.
        """

    async def finish(self) -> None:
        """
        So is that.
        """

    async def receive(self) -> Any:
        """
        Tell.
        """
        raise PeerError("unknown method", Code.UNIMPLEMENTED)

    def cancel(self) -> None:
        """
        It is over already.
        """


class Banded:
    """
    ``SSHUploadPackWithSidechannel``, seen through its sidechannel.
    """

    def __init__(self, served: UploadPack) -> None:
        self._served = served
        self.error: PeerError | None = None

    async def read(self) -> bytes:
        """
        What git says, in bands.
        """
        try:
            reply = await self._served.receive()
        except PeerError as error:
            self.error = error
            return b""
        return b"" if reply is None else b"".join(sideband.encode(sideband.BAND_DATA, reply.stdout))

    async def write(self, data: bytes) -> None:
        """
        What git hears.
        """
        await self._served.send(SSHUploadPackRequest(stdin=data))

    async def finish(self) -> None:
        """
        There is no more.
        """
        await self._served.finish()


@implementer(IPeer)
class LocalPeer:
    """
    :param services: whose methods are called, by their names.
    :param aside: whether it can only be fetched from over sidechannels.
    """

    address = "unix:/none"
    token = ""

    def __init__(self, git: IGit, root: str, services: dict[str, Any], aside: bool = False) -> None:
        self._git = git
        self._root = root
        self._services = services
        self._aside = aside

    async def unary(self, method: str, request: Any) -> Any:
        """
        Answer.
        """
        if method == "CommitService/FindCommit":
            path = os.path.join(self._root, request.repository.relative_path)
            words = ("rev-parse", "--verify", "--quiet", f"{request.revision.decode()}^{{commit}}")
            found = git("--git-dir", path, *words, check=False).decode().strip()
            return FindCommitResponse(commit=GitCommit(id=found)) if found else FindCommitResponse()
        try:
            return await self._called(method, request)
        except GitalyError as error:
            raise PeerError(error.message, error.code) from error

    def _called(self, method: str, request: Any) -> Any:
        service, _, name = method.partition("/")
        renamed = type(request)()
        renamed.CopyFrom(request)
        renamed.repository.storage_name = "default"
        return getattr(self._services[service], name)(None, renamed)

    async def replies(self, method: str, request: Any) -> AsyncIterator[Any]:
        """
        Answer.
        """
        try:
            async with aclosing(self._called(method, request)) as replies:
                async for reply in replies:
                    yield reply
        except GitalyError as error:
            raise PeerError(error.message, error.code) from error

    async def upload(self, method: str, requests: Any) -> Any:
        """
        Not needed.
        """
        raise NotImplementedError

    async def talk(self, method: str, request: Any, talk: Any) -> Any:
        """
        Let it be fetched from, over a sidechannel.
        """
        assert method == "SSHService/SSHUploadPackWithSidechannel"
        served = UploadPack(self._git, self._root)
        names = {"git_protocol": request.git_protocol, "git_config_options": request.git_config_options}
        await served.send(SSHUploadPackRequest(repository=request.repository, **names))
        channel = Banded(served)
        try:
            await talk(channel)
        finally:
            served.cancel()
        if channel.error is not None:
            raise channel.error

    def converse(self, method: str) -> UploadPack | Unknown:
        """
        Begin to fetch.
        """
        assert method == "SSHService/SSHUploadPack"
        return Unknown() if self._aside else UploadPack(self._git, self._root)


class LocalPeers:
    """
    Knows peers by the storages that they keep.

    :ivar aside: whether they can only be fetched from over sidechannels.
    """

    def __init__(self, git: IGit, roots: dict[str, str]) -> None:
        self._git = git
        self._roots = roots
        self.services: dict[str, Any] = {}
        self.error: GitalyError | None = None
        self.aside = False

    def named(self, call: Any, storage: str) -> LocalPeer:
        """
        As the caller's metadata would say it.
        """
        if self.error is not None:
            raise self.error
        if storage not in self._roots:
            raise GitalyError("storage name not found")
        return LocalPeer(self._git, self._roots[storage], self.services, self.aside)
