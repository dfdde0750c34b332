"""
git's own protocol with a repository that another Gitaly keeps.

git gets two pipes in the place of a network, and in the place of ssh a program (:mod:`.standin`) that connects it to them. What
goes through them is a conversation with the peer's ``upload-pack``.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorFDSet
from twisted.logger import Logger

from protocols.gitaly.shared_pb2 import Repository

from ..client.interfaces import IPeer, PeerError
from ..git.pipes import PipeReader, PipeWriter
from ..streams import StreamBroken
from . import standin
from .handed import Handed
from .peerwire import V2, Aside, IWire, converse

_log = Logger()


@frozen
class PeerPipe:
    """
    :param url: what git connects to.
    :param ends: what git has to be given.
    :param aside: what the other side said beside.
    """

    url: str
    environment: Mapping[str, str]
    ends: Handed
    aside: Aside


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
        talk = _Talk(PipeReader(self._reactor, from_git[0]), PipeWriter(self._reactor, to_git[1]), Aside())
        talking = Deferred.fromCoroutine(talk.run(peer, repository, protocol, options))
        command = [sys.executable, "-I", "-S", standin.__file__, *map(str, ends.numbers)]
        environment = {
            "GIT_ALLOW_PROTOCOL": "ssh",
            "GIT_SSH_COMMAND": shlex.join(command),
            "GIT_SSH_VARIANT": "simple",
            "GIT_CONFIG_COUNT": "0",
        }
        try:
            yield PeerPipe("ssh://peer/repository", environment, ends, talk.aside)
        finally:
            ends.close()
            talk.writer.abandon()
            talk.reader.abandon()
            talking.cancel()
            await talking


@frozen
class _Talk:
    """
    Passes bytes between git and a peer.
    """

    reader: PipeReader
    writer: PipeWriter
    aside: Aside

    async def run(self, peer: IPeer, repository: Repository, protocol: str, options: Sequence[str]) -> None:
        """
        Do it to the end. Whatever ends it ends it for git, too, which then says that its other side hung up.
        """
        try:
            await converse(peer, repository, self._talk, self.aside, protocol=protocol, options=options)
        except PeerError as error:
            self.aside.add(f"remote: {error.message}\n".encode("utf-8", "replace"))
        except (CancelledError, StreamBroken):
            pass  # Nobody listens any more.
        except Exception:
            _log.failure("conversation with a peer failed")
        finally:
            self.writer.close()

    async def _talk(self, wire: IWire) -> None:
        # The peer has the first word, so nothing of git's is lost if this wire is the wrong one.
        data = await wire.read()
        asking = Deferred.fromCoroutine(self._ask(wire))
        # What it cannot be told, the peer answers by an end.
        asking.addErrback(lambda failure: failure.trap(CancelledError, StreamBroken, PeerError))
        try:
            while data:
                await self.writer.write(data)
                data = await wire.read()
        finally:
            asking.cancel()

    async def _ask(self, wire: IWire) -> None:
        waiting = b""
        while data := await self.reader.read():
            waiting += data
            while len(waiting) >= standin.HEADER:
                size = int.from_bytes(waiting[: standin.HEADER], "big")
                if not size:
                    await wire.finish()
                    return
                if len(waiting) < standin.HEADER + size:
                    break
                piece, waiting = waiting[standin.HEADER : standin.HEADER + size], waiting[standin.HEADER + size :]
                await wire.write(piece)
