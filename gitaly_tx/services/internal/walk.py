"""
All repositories of a storage.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing
from itertools import islice
from posixpath import join

from google.protobuf.timestamp_pb2 import Timestamp

from protocols.gitaly.internal_pb2 import WalkReposRequest, WalkReposResponse

from ...errors import Code, GitalyError
from ...storage.interfaces import StorageInfo
from ...storage.walk import BATCH, repositories
from ...wal.threads import InThread
from ..turns import in_turns


async def walk_repos(
    storages: Mapping[str, StorageInfo], in_thread: InThread, request: WalkReposRequest
) -> AsyncGenerator[WalkReposResponse, None]:
    """
    A reply for each repository, in the order of the directories. Nothing of a storage but one batch of names is in memory.

    :raises GitalyError: INVALID_ARGUMENT ``looking up storage: …`` for a storage that there is not.
    """
    storage = storages.get(request.storage_name)
    if storage is None:
        wrong = "not found" if request.storage_name else "not set"
        text = f"looking up storage: storage name {wrong}"
        raise GitalyError(text, Code.INVALID_ARGUMENT, {"storage_name": request.storage_name})
    async with aclosing(in_turns(in_thread, _found(storage.path))) as batches:
        async for batch in batches:
            for reply in batch:
                yield reply


def _found(root: str) -> Generator[list[WalkReposResponse], None, None]:
    rest = repositories(root)
    while names := list(islice(rest, BATCH)):
        yield [reply for name in names if (reply := _described(root, name)) is not None]


def _described(root: str, name: str) -> WalkReposResponse | None:
    """
    :returns: ``None`` for a repository that has gone meanwhile.
    """
    try:
        changed = os.stat(join(root, name)).st_mtime_ns
    except OSError:
        return None
    return WalkReposResponse(relative_path=name, modification_time=Timestamp(seconds=changed // 10**9, nanos=changed % 10**9))
