"""
A repository's own hooks.
"""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncGenerator
from contextlib import aclosing
from posixpath import join

from protocols.gitaly.repository_pb2 import (
    BackupCustomHooksRequest,
    BackupCustomHooksResponse,
    GetCustomHooksRequest,
    GetCustomHooksResponse,
)

from ...errors import Code, GitalyError
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread
from ..turns import in_turns
from ..validate import given, opened
from .hookarchive import NAME
from .tarstream import END, Bytes, file_at, gathered, header


async def get_custom_hooks(
    storage: IStorageProvider, in_thread: InThread, request: GetCustomHooksRequest
) -> AsyncGenerator[GetCustomHooksResponse, None]:
    """
    The directory ``custom_hooks`` as a tar stream; nothing if there is none.

    :raises GitalyError: INTERNAL if a file cannot be read, perhaps after some data.
    """
    repository = await opened(storage, given(request))
    async with aclosing(in_turns(in_thread, _archived(repository.directory.path))) as chunks:
        async for data in chunks:
            yield GetCustomHooksResponse(data=data)


async def backup_custom_hooks(
    storage: IStorageProvider, in_thread: InThread, request: BackupCustomHooksRequest
) -> AsyncGenerator[BackupCustomHooksResponse, None]:
    """
    The same under its old name.
    """
    repository = await opened(storage, given(request))
    async with aclosing(in_turns(in_thread, _archived(repository.directory.path))) as chunks:
        async for data in chunks:
            yield BackupCustomHooksResponse(data=data)


def _archived(path: str) -> Bytes:
    directory = join(path, NAME)
    if not os.path.lexists(directory):
        return
    try:
        yield from gathered(_everything(directory))
    except (OSError, GitalyError) as error:
        # The words of Gitaly, whose tar program would have failed like this.
        text = "reading custom hooks: archiving hooks: waiting for tar command completion: exit status 2"
        raise GitalyError(text, Code.INTERNAL, {"error": str(error)}) from error


def _everything(directory: str) -> Bytes:
    yield from _entry(NAME, directory)
    yield END


def _entry(name: str, path: str) -> Bytes:
    found = os.lstat(path)
    if stat.S_ISDIR(found.st_mode):
        yield header(f"{name}/", found)
        for entry in sorted(os.listdir(path)):
            yield from _entry(f"{name}/{entry}", join(path, entry))
    elif stat.S_ISLNK(found.st_mode):
        yield header(name, found, os.readlink(path))
    elif stat.S_ISREG(found.st_mode):
        yield from file_at(name, path)
