"""
A repository that ends.
"""

from __future__ import annotations

from protocols.gitaly.repository_pb2 import RemoveRepositoryRequest, RemoveRepositoryResponse

from ...hooks.unasked import Unasked
from ...storage.interfaces import IStorageProvider
from ..validate import given


async def remove_repository(
    storage: IStorageProvider, unasked: Unasked, request: RemoveRepositoryRequest
) -> RemoveRepositoryResponse:
    """
    :raises GitalyError: NOT_FOUND ``repository does not exist``.
    """
    await unasked.remove(storage, given(request))
    return RemoveRepositoryResponse()
