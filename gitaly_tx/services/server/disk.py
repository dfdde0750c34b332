"""
How much space there is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from protocols.gitaly.server_pb2 import DiskStatisticsResponse

from ...storage.interfaces import StorageInfo
from ...wal.threads import InThread


async def disk_statistics(storages: Mapping[str, StorageInfo], in_thread: InThread) -> DiskStatisticsResponse:
    """
    Free and used bytes of each storage's file system. Never fails: what cannot be found out is 0.
    """
    return DiskStatisticsResponse(storage_statuses=await in_thread(_measure, tuple(storages.values())))


def _measure(storages: Iterable[StorageInfo]) -> list[DiskStatisticsResponse.StorageStatus]:
    found = []
    for storage in storages:
        status = DiskStatisticsResponse.StorageStatus(storage_name=storage.name)
        try:
            numbers = os.statvfs(storage.path)
        except OSError:
            pass
        else:
            status.available = numbers.f_bavail * numbers.f_frsize
            status.used = (numbers.f_blocks - numbers.f_bfree) * numbers.f_frsize
        found.append(status)
    return found
