"""
A pool is removed.
"""

from __future__ import annotations

from functools import partial

from protocols.gitaly.objectpool_pb2 import DeleteObjectPoolRequest, DeleteObjectPoolResponse

from ...hooks.unasked import Unasked
from ...pools.pool import delete_pool
from ...storage.interfaces import IStorageProvider
from .named import pool_of


async def delete_object_pool(
    storage: IStorageProvider, unasked: Unasked, request: DeleteObjectPoolRequest
) -> DeleteObjectPoolResponse:
    """
    Remove a pool. One that is not there is no error.
    """
    await delete_pool(storage, partial(unasked.remove, storage), pool_of(request))
    return DeleteObjectPoolResponse()
