"""
Is there a repository?
"""

from __future__ import annotations

from protocols.gitaly.repository_pb2 import RepositoryExistsRequest, RepositoryExistsResponse

from ...storage.interfaces import IStorageProvider
from ..validate import given


async def repository_exists(storage: IStorageProvider, request: RepositoryExistsRequest) -> RepositoryExistsResponse:
    """
    ``exists`` is false for a path where nothing is, and for a directory that is no repository.

    :raises GitalyError: for a name that cannot name any; INTERNAL for a path that cannot be looked at.
    """
    return RepositoryExistsResponse(exists=await storage.exists(given(request)))
