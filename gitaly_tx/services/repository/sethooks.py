"""
A repository's own hooks, replaced.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

from protocols.gitaly.repository_pb2 import (
    RestoreCustomHooksRequest,
    RestoreCustomHooksResponse,
    SetCustomHooksRequest,
    SetCustomHooksResponse,
)

from ...errors import Code, GitalyError
from ...hooks.hookarchive import MAXIMUM, NAME, ArchiveTooLarge, replaced_hooks
from ...storage.interfaces import IRepository, IStorageProvider
from ...wal.threads import InThread
from ..validate import given, opened


async def set_custom_hooks(
    storage: IStorageProvider, in_thread: InThread, requests: AsyncIterator[SetCustomHooksRequest]
) -> SetCustomHooksResponse:
    """
    Put a ``custom_hooks`` directory, sent as a tar file, in the place of the one that there is; nothing sent is an empty one.

    :raises GitalyError: INTERNAL ``setting custom hooks: …`` for what is no such archive; RESOURCE_EXHAUSTED if it is too large.
    """
    await _replace(storage, in_thread, requests)
    return SetCustomHooksResponse()


async def restore_custom_hooks(
    storage: IStorageProvider, in_thread: InThread, requests: AsyncIterator[RestoreCustomHooksRequest]
) -> RestoreCustomHooksResponse:
    """
    The same under its old name.
    """
    await _replace(storage, in_thread, requests)
    return RestoreCustomHooksResponse()


async def _replace(
    storage: IStorageProvider,
    in_thread: InThread,
    requests: AsyncIterator[SetCustomHooksRequest] | AsyncIterator[RestoreCustomHooksRequest],
) -> None:
    repository: IRepository | None = None
    archive = bytearray()
    async for request in requests:
        if repository is None:
            repository = await opened(storage, given(request))
        archive += request.data
        if len(archive) > MAXIMUM:
            raise ArchiveTooLarge
    if repository is None:
        raise GitalyError("getting first request: EOF", Code.INTERNAL)
    try:
        changes = await in_thread(replaced_hooks, bytes(archive))
    except GitalyError as error:
        raise error.wrapped("setting custom hooks: extracting hooks") from error
    if await in_thread(os.path.lexists, os.path.join(repository.directory.path, f"{NAME}.lock")):
        raise GitalyError("setting custom hooks: locking hooks: file already locked", Code.INTERNAL)
    try:
        await repository.commit(files=changes)
    except GitalyError as error:
        raise error.wrapped("setting custom hooks") from error
