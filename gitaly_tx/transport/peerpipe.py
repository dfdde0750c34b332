"""
git's own protocol with a repository that another Gitaly keeps.

git gets two pipes in the place of a network, and in the place of ssh a program (:mod:`.standin`) that connects it to them. What
goes through them is one call of ``SSHUploadPack``.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorFDSet
from twisted.logger import Logger

from protocols.gitaly.shared_pb2 import Repository
from protocols.gitaly.ssh_pb2 import SSHUploadPackRequest

from ..client.interfaces import IConversation, IPeer, PeerError
from ..git.pipes import PipeReader, PipeWriter
from ..streams import StreamBroken
from . import standin
from .handed import Handed

METHOD = "SSHService/SSHUploadPack"

V2 = "version=2"

_log = Logger()


@frozen
class PeerPipe:
    """
    :param url: what git connects to.
    :param ends: what git has to be given.
    :param said: what the other side said beside, as far as it has come in.
    """

    url: str
    environment: Mapping[str, str]
    ends: Handed
    said: bytearray


@frozen
class PeerPipes:
    """
    :param reactor: watches the pipes.
    """

    _reactor: IReactorFDSet

    @asynccontextmanager
    async def upload_pack(
        self, peer: IPeer, repository: Repository, *, protocol: str = V2, options: Sequence[str] = ()
    ) -> AsyncIterator[PeerPipe]:
        """
        Let git fetch from a peer's repository, once, for as long as the block lasts.

        :param protocol: the version to speak, as in ``GIT_PROTOCOL``.
        :param options: settings for the git on the other side: ``key=value``.
        """
        to_git, from_git = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        ends = Handed((to_git[0], from_git[1]))
        said = bytearray()
        writer, reader = PipeWriter(self._reactor, to_git[1]), PipeReader(self._reactor, from_git[0])
        conversation = peer.converse(METHOD)
        first = SSHUploadPackRequest(repository=repository, git_protocol=protocol, git_config_options=options)
        talking = [
            Deferred.fromCoroutine(_ask(conversation, first, reader)),
            Deferred.fromCoroutine(_answer(conversation, writer, said)),
        ]
        for each in talking:
            each.addErrback(_told, said, writer)
        command = [sys.executable, "-I", "-S", standin.__file__, *map(str, ends.numbers)]
        environment = {
            "GIT_ALLOW_PROTOCOL": "ssh",
            "GIT_SSH_COMMAND": shlex.join(command),
            "GIT_SSH_VARIANT": "simple",
            "GIT_CONFIG_COUNT": "0",
        }
        try:
            yield PeerPipe("ssh://peer/repository", environment, ends, said)
        finally:
            ends.close()
            conversation.cancel()
            for each in talking:
                each.cancel()
            writer.abandon()
            reader.abandon()


async def _ask(conversation: IConversation, first: SSHUploadPackRequest, reader: PipeReader) -> None:
    await conversation.send(first)
    waiting = b""
    while data := await reader.read():
        waiting += data
        while len(waiting) >= standin.HEADER:
            size = int.from_bytes(waiting[: standin.HEADER], "big")
            if not size:
                await conversation.finish()
                return
            if len(waiting) < standin.HEADER + size:
                break
            piece, waiting = waiting[standin.HEADER : standin.HEADER + size], waiting[standin.HEADER + size :]
            await conversation.send(SSHUploadPackRequest(stdin=piece))


async def _answer(conversation: IConversation, writer: PipeWriter, said: bytearray) -> None:
    while (reply := await conversation.receive()) is not None:
        said += reply.stderr
        if reply.stdout:
            await writer.write(reply.stdout)
    writer.close()


def _told(failure: Any, said: bytearray, writer: PipeWriter) -> None:
    """
    Whatever ends the conversation ends it for git, too, which then says that its other side hung up.
    """
    writer.close()
    if failure.check(CancelledError, StreamBroken) is not None:
        return
    if failure.check(PeerError) is not None:
        said += f"remote: {failure.value.message}\n".encode("utf-8", "replace")
        return
    _log.failure("conversation with a peer failed", failure)
