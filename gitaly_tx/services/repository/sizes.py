"""
How much space a repository takes.
"""

from __future__ import annotations

import os
import stat

from protocols.gitaly.repository_pb2 import (
    GetObjectDirectorySizeRequest,
    GetObjectDirectorySizeResponse,
    RepositorySizeRequest,
    RepositorySizeResponse,
)

from ...errors import Code, GitalyError
from ...storage.errors import described
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread
from ..validate import given, opened

KIB = 1024


async def repository_size(
    storage: IStorageProvider, in_thread: InThread, request: RepositorySizeRequest
) -> RepositorySizeResponse:
    """
    All files of a repository, in whole KiB; what it borrows from a pool is not counted.
    """
    repository = await opened(storage, given(request))
    return RepositorySizeResponse(size=await in_thread(directory_size, repository.directory.path) // KIB)


async def get_object_directory_size(
    storage: IStorageProvider, in_thread: InThread, request: GetObjectDirectorySizeRequest
) -> GetObjectDirectorySizeResponse:
    """
    All files of the object directory that the request names, the repository's own (``objects``) or a quarantine of it, in KiB.

    :raises GitalyError: INVALID_ARGUMENT ``object directory path is not set``; NOT_FOUND if it is not there.
    """
    repository = await opened(storage, given(request))
    path = repository.directory.object_directory
    if path is None:
        raise GitalyError("object directory path is not set", Code.INVALID_ARGUMENT)
    if not await in_thread(os.path.isdir, path):
        raise GitalyError("object directory does not exist", Code.NOT_FOUND, {"path": path})
    return GetObjectDirectorySizeResponse(size=await in_thread(directory_size, path) // KIB)


def directory_size(path: str) -> int:
    """
    The bytes of all files below a directory, symbolic links and not what they lead to. What vanishes meanwhile does not count.
    It blocks.

    :raises GitalyError: INTERNAL for a directory that cannot be read.
    """
    total = 0
    waiting = [path]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    try:
                        found = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    if stat.S_ISDIR(found.st_mode):
                        waiting.append(entry.path)
                    else:
                        total += found.st_size
        except FileNotFoundError:
            continue
        except OSError as error:
            text = f"calculating directory size: walking directory: {described(error)}"
            raise GitalyError(text, Code.INTERNAL, {"path": error.filename}) from error
    return total
