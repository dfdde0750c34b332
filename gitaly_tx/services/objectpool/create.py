"""
A pool is made of a repository.
"""

from __future__ import annotations

from functools import partial

from protocols.gitaly.objectpool_pb2 import CreateObjectPoolRequest, CreateObjectPoolResponse

from ...errors import Code, GitalyError
from ...hooks.unasked import Unasked
from ...pools.pool import create_pool
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread
from .named import pool_of


async def create_object_pool(
    storage: IStorageProvider, in_thread: InThread, unasked: Unasked, request: CreateObjectPoolRequest
) -> CreateObjectPoolResponse:
    """
    Make a pool. The repository that it is made of is not linked to it.
    """
    if not request.HasField("origin"):
        raise GitalyError("no origin repository", Code.INVALID_ARGUMENT)
    pool = pool_of(request)
    if pool is None:
        raise GitalyError("no object pool repository", Code.INVALID_ARGUMENT)
    await create_pool(storage, in_thread, partial(unasked.create, storage), pool, request.origin)
    return CreateObjectPoolResponse()
