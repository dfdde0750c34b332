"""
The methods of ``ssh.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import ssh_pb2 as pb

from ...rpc.call import Call
from ...rpc.interfaces import IMethods, ISidechannels
from ...storage.interfaces import IStorageProvider
from ...transport.interfaces import ITransport
from .receive_pack import ssh_receive_pack
from .upload_archive import ssh_upload_archive
from .upload_pack import ssh_upload_pack, ssh_upload_pack_with_sidechannel


@implementer(IMethods)
@frozen
class SSHService:
    """
    What git's SSH clients ask for. The methods send their replies themselves, because bytes go both ways at once.
    """

    service: ClassVar[str] = "gitaly.SSHService"

    _storage: IStorageProvider
    _transport: ITransport
    _sidechannels: ISidechannels

    async def SSHUploadPackWithSidechannel(
        self, call: Call, request: pb.SSHUploadPackWithSidechannelRequest
    ) -> pb.SSHUploadPackWithSidechannelResponse:
        return await ssh_upload_pack_with_sidechannel(self._storage, self._transport, self._sidechannels, call, request)

    async def SSHUploadPack(self, call: Call, requests: AsyncIterator[pb.SSHUploadPackRequest]) -> None:
        await ssh_upload_pack(self._storage, self._transport, call)

    async def SSHReceivePack(self, call: Call, requests: AsyncIterator[pb.SSHReceivePackRequest]) -> None:
        await ssh_receive_pack(self._storage, self._transport, call)

    async def SSHUploadArchive(self, call: Call, requests: AsyncIterator[pb.SSHUploadArchiveRequest]) -> None:
        await ssh_upload_archive(self._storage, self._transport, call)
