"""
A repository is linked to a pool, or disconnected from it.
"""

from __future__ import annotations

from protocols.gitaly.objectpool_pb2 import (
    DisconnectGitAlternatesRequest,
    DisconnectGitAlternatesResponse,
    LinkRepositoryToObjectPoolRequest,
    LinkRepositoryToObjectPoolResponse,
)

from ...git.interfaces import IGit
from ...pools.disconnect import disconnect
from ...pools.link import link
from ...pools.pool import find_pool
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread
from ..validate import given, opened
from .named import pool_of


async def link_repository_to_object_pool(
    storage: IStorageProvider, in_thread: InThread, request: LinkRepositoryToObjectPoolRequest
) -> LinkRepositoryToObjectPoolResponse:
    """
    Let a repository borrow from a pool.
    """
    repository = await opened(storage, given(request))
    await link(in_thread, repository, await find_pool(storage, pool_of(request)))
    return LinkRepositoryToObjectPoolResponse()


async def disconnect_git_alternates(
    git: IGit, storage: IStorageProvider, in_thread: InThread, request: DisconnectGitAlternatesRequest
) -> DisconnectGitAlternatesResponse:
    """
    Let a repository borrow no more.
    """
    await disconnect(git, in_thread, await opened(storage, given(request)))
    return DisconnectGitAlternatesResponse()
