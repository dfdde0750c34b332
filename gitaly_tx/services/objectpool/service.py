"""
The methods of ``objectpool.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import objectpool_pb2 as pb

from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread
from .get import get_object_pool


@implementer(IMethods)
@frozen
class ObjectPoolService:
    """
    Repositories whose objects others borrow.

    :param in_thread: where files are read.
    """

    service: ClassVar[str] = "gitaly.ObjectPoolService"

    _storage: IStorageProvider
    _in_thread: InThread

    async def GetObjectPool(self, call: Call, request: pb.GetObjectPoolRequest) -> pb.GetObjectPoolResponse:
        return await get_object_pool(self._storage, self._in_thread, request)
