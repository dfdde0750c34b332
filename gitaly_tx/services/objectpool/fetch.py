"""
A pool is brought up to date.
"""

from __future__ import annotations

from attrs import frozen

from protocols.gitaly.objectpool_pb2 import FetchIntoObjectPoolRequest, FetchIntoObjectPoolResponse

from ...errors import Code, GitalyError
from ...git.interfaces import IGit
from ...hooks.unasked import Unasked
from ...housekeeping.schedule import Housekeeping
from ...pools.fetch import fetch
from ...pools.pool import find_pool
from ...storage.interfaces import IRepository, IStorageProvider
from ...wal.threads import InThread
from .named import pool_of


@frozen
class FetchMeans:
    """
    What pools are brought up to date with.
    """

    git: IGit
    storage: IStorageProvider
    in_thread: InThread
    unasked: Unasked
    housekeeping: Housekeeping


async def fetch_into_object_pool(means: FetchMeans, request: FetchIntoObjectPoolRequest) -> FetchIntoObjectPoolResponse:
    """
    Let a pool have what one of its members has, and look after it before and afterwards.
    """
    pool, origin = await _named(means.storage, request)
    await means.housekeeping.tidy(pool)
    await fetch(means.git, means.in_thread, means.unasked.commit, pool, origin)
    await means.housekeeping.optimize(pool)
    return FetchIntoObjectPoolResponse()


async def _named(storage: IStorageProvider, request: FetchIntoObjectPoolRequest) -> tuple[IRepository, IRepository]:
    if not request.HasField("origin"):
        raise GitalyError("origin is empty", Code.INVALID_ARGUMENT)
    if not request.HasField("object_pool"):
        raise GitalyError("object pool is empty", Code.INVALID_ARGUMENT)
    named = pool_of(request)
    if named is None or named.storage_name != request.origin.storage_name:
        raise GitalyError("origin has different storage than object pool", Code.INVALID_ARGUMENT)
    try:
        pool = await find_pool(storage, named)
    except GitalyError as error:
        raise error.wrapped("object pool invalid") from error
    try:
        return pool, await storage.repository(request.origin)
    except GitalyError as error:
        raise error.wrapped("computing origin repo's path") from error
