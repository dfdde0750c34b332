"""
The methods of ``smarthttp.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import smarthttp_pb2 as pb

from ...rpc.call import Call
from ...rpc.interfaces import IMethods, ISidechannels
from ...storage.interfaces import IStorageProvider
from ...transport.interfaces import ITransport
from .info_refs import info_refs_receive_pack, info_refs_upload_pack
from .receive_pack import post_receive_pack
from .upload_pack import post_upload_pack, post_upload_pack_with_sidechannel


@implementer(IMethods)
@frozen
class SmartHTTPService:
    """
    What git's HTTP clients ask for. The methods send their replies themselves, because bytes go both ways at once.
    """

    service: ClassVar[str] = "gitaly.SmartHTTPService"

    _storage: IStorageProvider
    _transport: ITransport
    _sidechannels: ISidechannels

    async def InfoRefsUploadPack(self, call: Call, request: pb.InfoRefsRequest) -> None:
        await info_refs_upload_pack(self._storage, self._transport, call, request)

    async def InfoRefsReceivePack(self, call: Call, request: pb.InfoRefsRequest) -> None:
        await info_refs_receive_pack(self._storage, self._transport, call, request)

    async def PostUploadPackWithSidechannel(
        self, call: Call, request: pb.PostUploadPackWithSidechannelRequest
    ) -> pb.PostUploadPackWithSidechannelResponse:
        return await post_upload_pack_with_sidechannel(self._storage, self._transport, self._sidechannels, call, request)

    async def PostUploadPack(self, call: Call, requests: AsyncIterator[pb.PostUploadPackRequest]) -> None:
        await post_upload_pack(self._storage, self._transport, call)

    async def PostReceivePack(self, call: Call, requests: AsyncIterator[pb.PostReceivePackRequest]) -> None:
        await post_receive_pack(self._storage, self._transport, call)
