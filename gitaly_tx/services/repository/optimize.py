"""
Housekeeping on demand.
"""

from __future__ import annotations

from protocols.gitaly.repository_pb2 import (
    OptimizeRepositoryRequest,
    OptimizeRepositoryResponse,
    PruneUnreachableObjectsRequest,
    PruneUnreachableObjectsResponse,
)

from ...errors import Code, GitalyError
from ...housekeeping.schedule import Housekeeping
from ...storage.interfaces import IStorageProvider
from ...storage.poolpaths import is_pool_path
from ..validate import given, opened

_HEURISTICAL = (OptimizeRepositoryRequest.STRATEGY_UNSPECIFIED, OptimizeRepositoryRequest.STRATEGY_HEURISTICAL)
_SECONDARY = (OptimizeRepositoryRequest.STRATEGY_OFFLOADING, OptimizeRepositoryRequest.STRATEGY_REHYDRATION)

UNTOUCHED = 30 * 60.0
"""Seconds that an unreachable object stays, whoever asks."""


async def optimize_repository(
    storage: IStorageProvider, housekeeping: Housekeeping, request: OptimizeRepositoryRequest
) -> OptimizeRepositoryResponse:
    """
    Do what is worth its cost, or all there is. If something is being done to the repository already, that is enough.
    """
    repository = await opened(storage, given(request))
    if request.strategy in _SECONDARY:
        raise GitalyError("no secondary storage for objects is configured", Code.FAILED_PRECONDITION)
    if request.strategy not in (*_HEURISTICAL, OptimizeRepositoryRequest.STRATEGY_EAGER):
        raise GitalyError(f"unsupported optimization strategy {request.strategy}", Code.INVALID_ARGUMENT)
    await housekeeping.optimize(repository, request.strategy == OptimizeRepositoryRequest.STRATEGY_EAGER)
    return OptimizeRepositoryResponse()


async def prune_unreachable_objects(
    storage: IStorageProvider, housekeeping: Housekeeping, request: PruneUnreachableObjectsRequest
) -> PruneUnreachableObjectsResponse:
    """
    Drop what nothing refers to and was not touched for half an hour.
    """
    repository = await opened(storage, given(request))
    if is_pool_path(repository.partition.path):
        raise GitalyError("pruning objects for object pool", Code.INVALID_ARGUMENT)
    await housekeeping.prune(repository, UNTOUCHED)
    return PruneUnreachableObjectsResponse()
