"""
The methods of ``blob.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import blob_pb2 as pb

from ...git.interfaces import IGit
from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from ...storage.interfaces import IStorageProvider
from .get import get_blob
from .get_many import get_blobs
from .lfs import get_lfs_pointers, list_all_lfs_pointers, list_lfs_pointers
from .listing import list_all_blobs, list_blobs


@implementer(IMethods)
@frozen
class BlobService:
    """
    What files hold.

    :param git: for walks, and for blobs that are too large to be held in memory.
    """

    service: ClassVar[str] = "gitaly.BlobService"

    _git: IGit
    _storage: IStorageProvider

    def GetBlob(self, call: Call, request: pb.GetBlobRequest) -> AsyncIterator[pb.GetBlobResponse]:
        return get_blob(self._git, self._storage, request)

    def GetBlobs(self, call: Call, request: pb.GetBlobsRequest) -> AsyncIterator[pb.GetBlobsResponse]:
        return get_blobs(self._git, self._storage, request)

    def ListBlobs(self, call: Call, request: pb.ListBlobsRequest) -> AsyncIterator[pb.ListBlobsResponse]:
        return list_blobs(self._git, self._storage, request)

    def ListAllBlobs(self, call: Call, request: pb.ListAllBlobsRequest) -> AsyncIterator[pb.ListAllBlobsResponse]:
        return list_all_blobs(self._git, self._storage, request)

    def GetLFSPointers(self, call: Call, request: pb.GetLFSPointersRequest) -> AsyncIterator[pb.GetLFSPointersResponse]:
        return get_lfs_pointers(self._git, self._storage, request)

    def ListLFSPointers(self, call: Call, request: pb.ListLFSPointersRequest) -> AsyncIterator[pb.ListLFSPointersResponse]:
        return list_lfs_pointers(self._git, self._storage, request)

    def ListAllLFSPointers(
        self, call: Call, request: pb.ListAllLFSPointersRequest
    ) -> AsyncIterator[pb.ListAllLFSPointersResponse]:
        return list_all_lfs_pointers(self._git, self._storage, request)
