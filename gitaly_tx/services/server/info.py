"""
Versions, and whether the storages work.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from posixpath import join
from typing import Final

from protocols.gitaly.server_pb2 import ServerInfoResponse

from ...git.interfaces import IGit
from ...storage.filesystems import filesystem_name
from ...storage.interfaces import StorageInfo
from ...wal.threads import InThread

PROBE: Final = "+testWrite"
"""The file that is written and removed to find out whether a storage can be written to: Gitaly's name for it."""


async def server_info(version: str, git: IGit, storages: Mapping[str, StorageInfo], in_thread: InThread) -> ServerInfoResponse:
    """
    :param version: this server's.
    """
    return ServerInfoResponse(
        server_version=version,
        git_version=git.version_text,
        storage_statuses=await in_thread(_look, tuple(storages.values())),
    )


def _look(storages: Iterable[StorageInfo]) -> list[ServerInfoResponse.StorageStatus]:
    return [
        ServerInfoResponse.StorageStatus(
            storage_name=storage.name,
            readable=_readable(storage.path),
            writeable=_writeable(storage.path),
            fs_type=filesystem_name(storage.path),
            filesystem_id=storage.filesystem_id,
            replication_factor=1,
        )
        for storage in storages
    ]


def _readable(path: str) -> bool:
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _writeable(path: str) -> bool:
    probe = join(path, PROBE)
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, b"test")
        finally:
            os.close(descriptor)
            os.unlink(probe)
    except OSError:
        return False
    return True
