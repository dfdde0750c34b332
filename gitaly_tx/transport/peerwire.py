"""
git's ``upload-pack`` on another Gitaly, as bytes in both directions.

That is one call of ``SSHUploadPack``, or of ``SSHUploadPackWithSidechannel`` where there is nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from protocols.git.sideband import BAND_DATA, BandData, SidebandDecoder
from protocols.gitaly.shared_pb2 import Repository
from protocols.gitaly.ssh_pb2 import SSHUploadPackRequest, SSHUploadPackWithSidechannelRequest

from ..client.interfaces import IConversation, IPeer, PeerError
from ..client.sidechannels import Sidechannel
from ..errors import Code

METHOD: Final = "SSHService/SSHUploadPack"

V2: Final = "version=2"

_KEPT: Final = 16 * 1024
"""Bytes of what the peer says aside."""


class Aside:
    """
    What a peer says beside the conversation, as far as it has come in: the end of it, if it is much.
    """

    def __init__(self) -> None:
        self.text = b""

    def add(self, data: bytes) -> None:
        """
        More of it.
        """
        self.text = (self.text + data)[-_KEPT:]


class IWire(Protocol):
    """
    Bytes to a peer and from it.
    """

    async def write(self, data: bytes) -> None:
        """
        Send bytes.
        """

    async def read(self) -> bytes:
        """
        The next bytes; nothing at the end.
        """

    async def finish(self) -> None:
        """
        Say that nothing more comes.
        """


class _Plain:
    """
    The messages of a call.
    """

    def __init__(self, conversation: IConversation, aside: Aside) -> None:
        self._conversation = conversation
        self._aside = aside

    async def write(self, data: bytes) -> None:
        """
        As :class:`IWire` says.
        """
        await self._conversation.send(SSHUploadPackRequest(stdin=data))

    async def read(self) -> bytes:
        """
        As :class:`IWire` says.
        """
        while (reply := await self._conversation.receive()) is not None:
            self._aside.add(reply.stderr)
            if reply.stdout:
                data: bytes = reply.stdout
                return data
        return b""

    async def finish(self) -> None:
        """
        As :class:`IWire` says.
        """
        await self._conversation.finish()


class _Banded:
    """
    A sidechannel: what comes from the peer is in bands.
    """

    def __init__(self, channel: Sidechannel, aside: Aside) -> None:
        self._channel = channel
        self._aside = aside
        self._bands = SidebandDecoder()

    async def write(self, data: bytes) -> None:
        """
        As :class:`IWire` says.
        """
        await self._channel.write(data)

    async def read(self) -> bytes:
        """
        As :class:`IWire` says.
        """
        while data := await self._channel.read():
            stdout = b""
            for event in self._bands.receive(data):
                if isinstance(event, BandData) and event.band == BAND_DATA:
                    stdout += event.data
                elif isinstance(event, BandData):
                    self._aside.add(event.data)
            if stdout:
                return stdout
        return b""

    async def finish(self) -> None:
        """
        As :class:`IWire` says.
        """
        await self._channel.finish()


async def converse(
    peer: IPeer,
    source: Repository,
    talk: Callable[[IWire], Awaitable[None]],
    aside: Aside,
    *,
    protocol: str = V2,
    options: Sequence[str] = (),
) -> None:
    """
    Talk to the ``upload-pack`` of a peer, to the end.

    :param source: the repository, as the peer knows it.
    :param talk: reads first. It is called once more, with another wire, if that first read finds that the peer does not have the
        method.
    :param protocol: the version of git's protocol, as in ``GIT_PROTOCOL``.
    :param options: settings for the git on the other side: ``key=value``.
    :raises PeerError: if the peer cannot be reached, or does not want to; otherwise what ``talk`` raises.
    """
    conversation = peer.converse(METHOD)
    first = SSHUploadPackRequest(repository=source, git_protocol=protocol, git_config_options=options)
    try:
        await conversation.send(first)
        await talk(_Plain(conversation, aside))
        return
    except PeerError as error:
        if error.code is not Code.UNIMPLEMENTED:
            raise
    finally:
        conversation.cancel()
    request = SSHUploadPackWithSidechannelRequest(repository=source, git_protocol=protocol, git_config_options=options)
    await peer.talk(f"{METHOD}WithSidechannel", request, lambda channel: talk(_Banded(channel, aside)))


__all__ = ["V2", "Aside", "IWire", "converse"]
