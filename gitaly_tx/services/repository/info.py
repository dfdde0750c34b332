"""
What a repository looks like on disk.
"""

from __future__ import annotations

import time

from protocols.gitaly.repository_pb2 import RepositoryInfoRequest, RepositoryInfoResponse

from ...storage.interfaces import IStorageProvider
from ...storage.poolpaths import is_pool_path
from ...wal.threads import InThread
from ..validate import given, opened
from .objectsinfo import objects_info
from .sizes import directory_size
from .structure import (
    alternates_info,
    commit_graph_info,
    last_full_repack,
    multi_pack_index_bitmap_info,
    multi_pack_index_info,
    pack_bitmap_info,
    references_info,
)


async def repository_info(
    storage: IStorageProvider, in_thread: InThread, request: RepositoryInfoRequest
) -> RepositoryInfoResponse:
    """
    Sizes and counts, found by looking at directories; no git runs.
    """
    repository = await opened(storage, given(request))
    reply = await in_thread(_look, repository.directory.path)
    reply.is_object_pool = is_pool_path(request.repository.relative_path)
    return reply


def _look(path: str) -> RepositoryInfoResponse:
    return RepositoryInfoResponse(
        size=directory_size(path),
        references=references_info(path),
        objects=objects_info(path, time.time()),
        commit_graph=commit_graph_info(path),
        bitmap=pack_bitmap_info(path),
        multi_pack_index=multi_pack_index_info(path),
        multi_pack_index_bitmap=multi_pack_index_bitmap_info(path),
        alternates=alternates_info(path),
        last_full_repack=last_full_repack(path),
    )
