"""
A pool is removed.
"""

from __future__ import annotations

from protocols.gitaly.objectpool_pb2 import DeleteObjectPoolRequest, DeleteObjectPoolResponse

from ...pools.pool import delete_pool
from ...storage.interfaces import IStorageProvider
from .named import pool_of


async def delete_object_pool(storage: IStorageProvider, request: DeleteObjectPoolRequest) -> DeleteObjectPoolResponse:
    """
    Remove a pool. One that is not there is no error.
    """
    await delete_pool(storage, pool_of(request))
    return DeleteObjectPoolResponse()
