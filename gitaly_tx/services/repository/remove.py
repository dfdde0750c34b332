"""
A repository that ends.
"""

from __future__ import annotations

from protocols.gitaly.repository_pb2 import RemoveRepositoryRequest, RemoveRepositoryResponse

from ...storage.interfaces import IStorageProvider
from ..validate import given


async def remove_repository(storage: IStorageProvider, request: RemoveRepositoryRequest) -> RemoveRepositoryResponse:
    """
    :raises GitalyError: NOT_FOUND ``repository does not exist``.
    """
    await storage.remove(given(request))
    return RemoveRepositoryResponse()
