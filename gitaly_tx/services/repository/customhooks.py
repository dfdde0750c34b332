"""
A repository's own hooks.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from protocols.gitaly.repository_pb2 import (
    BackupCustomHooksRequest,
    BackupCustomHooksResponse,
    GetCustomHooksRequest,
    GetCustomHooksResponse,
)

from ...hooks.hookarchive import archived_hooks
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread
from ..turns import in_turns
from ..validate import given, opened


async def get_custom_hooks(
    storage: IStorageProvider, in_thread: InThread, request: GetCustomHooksRequest
) -> AsyncGenerator[GetCustomHooksResponse, None]:
    """
    The directory ``custom_hooks`` as a tar stream; nothing if there is none.

    :raises GitalyError: INTERNAL if a file cannot be read, perhaps after some data.
    """
    repository = await opened(storage, given(request))
    async with aclosing(in_turns(in_thread, archived_hooks(repository.directory.path))) as chunks:
        async for data in chunks:
            yield GetCustomHooksResponse(data=data)


async def backup_custom_hooks(
    storage: IStorageProvider, in_thread: InThread, request: BackupCustomHooksRequest
) -> AsyncGenerator[BackupCustomHooksResponse, None]:
    """
    The same under its old name.
    """
    repository = await opened(storage, given(request))
    async with aclosing(in_turns(in_thread, archived_hooks(repository.directory.path))) as chunks:
        async for data in chunks:
            yield BackupCustomHooksResponse(data=data)
