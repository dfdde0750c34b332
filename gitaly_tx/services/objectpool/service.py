"""
The methods of ``objectpool.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import objectpool_pb2 as pb

from ...git.interfaces import IGit
from ...hooks.unasked import Unasked
from ...housekeeping.schedule import Housekeeping
from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread
from .create import create_object_pool
from .delete import delete_object_pool
from .fetch import FetchMeans, fetch_into_object_pool
from .get import get_object_pool
from .link import disconnect_git_alternates, link_repository_to_object_pool


@implementer(IMethods)
@frozen
class ObjectPoolService:
    """
    Repositories whose objects others borrow.

    :param git: for what walks or compresses.
    :param in_thread: where files are read and linked.
    :param unasked: writes what nobody has a say in.
    :param housekeeping: looks after a pool that got something new.
    """

    service: ClassVar[str] = "gitaly.ObjectPoolService"

    _git: IGit
    _storage: IStorageProvider
    _in_thread: InThread
    _unasked: Unasked
    _housekeeping: Housekeeping

    async def CreateObjectPool(self, call: Call, request: pb.CreateObjectPoolRequest) -> pb.CreateObjectPoolResponse:
        return await create_object_pool(self._storage, self._in_thread, self._unasked, request)

    async def DeleteObjectPool(self, call: Call, request: pb.DeleteObjectPoolRequest) -> pb.DeleteObjectPoolResponse:
        return await delete_object_pool(self._storage, self._unasked, request)

    async def LinkRepositoryToObjectPool(
        self, call: Call, request: pb.LinkRepositoryToObjectPoolRequest
    ) -> pb.LinkRepositoryToObjectPoolResponse:
        return await link_repository_to_object_pool(self._storage, self._in_thread, request)

    async def DisconnectGitAlternates(
        self, call: Call, request: pb.DisconnectGitAlternatesRequest
    ) -> pb.DisconnectGitAlternatesResponse:
        return await disconnect_git_alternates(self._git, self._storage, self._in_thread, request)

    async def FetchIntoObjectPool(self, call: Call, request: pb.FetchIntoObjectPoolRequest) -> pb.FetchIntoObjectPoolResponse:
        means = FetchMeans(self._git, self._storage, self._in_thread, self._unasked, self._housekeeping)
        return await fetch_into_object_pool(means, request)

    async def GetObjectPool(self, call: Call, request: pb.GetObjectPoolRequest) -> pb.GetObjectPoolResponse:
        return await get_object_pool(self._storage, self._in_thread, request)
