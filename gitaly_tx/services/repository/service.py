"""
The methods of ``repository.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import repository_pb2 as pb

from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from ...storage.interfaces import IStorageProvider
from .create import create_repository
from .exists import repository_exists
from .format import object_format
from .remove import remove_repository


@implementer(IMethods)
@frozen
class RepositoryService:
    """
    What Gitaly's clients do with whole repositories.
    """

    service: ClassVar[str] = "gitaly.RepositoryService"

    _storage: IStorageProvider

    async def RepositoryExists(self, call: Call, request: pb.RepositoryExistsRequest) -> pb.RepositoryExistsResponse:
        return await repository_exists(self._storage, request)

    async def ObjectFormat(self, call: Call, request: pb.ObjectFormatRequest) -> pb.ObjectFormatResponse:
        return await object_format(self._storage, request)

    async def CreateRepository(self, call: Call, request: pb.CreateRepositoryRequest) -> pb.CreateRepositoryResponse:
        return await create_repository(self._storage, request)

    async def RemoveRepository(self, call: Call, request: pb.RemoveRepositoryRequest) -> pb.RemoveRepositoryResponse:
        return await remove_repository(self._storage, request)
