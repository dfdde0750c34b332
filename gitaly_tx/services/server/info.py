"""
Versions, and whether the storages work.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from posixpath import join
from typing import Final

from attrs import define, field
from twisted.internet.defer import Deferred

from protocols.gitaly.server_pb2 import ServerInfoResponse

from ...git.interfaces import IGit
from ...storage.filesystems import filesystem_name
from ...storage.interfaces import StorageInfo
from ...wal.threads import InThread

PROBE: Final = "+testWrite"
"""The file that is written and removed to find out whether a storage can be written to: Gitaly's name for it."""


FRESH: Final = 1.0
"""Seconds for which what was found out of the storages is good: to find it out writes a file into each."""


@define(eq=False)
class StorageStatuses:
    """
    Whether the storages work, found out when somebody asks and at most once a second. Who asks meanwhile gets the same answer.

    :param in_thread: where file systems are asked.
    :param now: seconds.
    """

    _storages: Mapping[str, StorageInfo]
    _in_thread: InThread
    _now: Callable[[], float] = time.monotonic
    _found: tuple[ServerInfoResponse.StorageStatus, ...] = ()
    _until: float = field(default=-math.inf, init=False)
    _waiting: list[Deferred[None]] = field(factory=list, init=False)
    _looking: bool = field(default=False, init=False)

    async def get(self) -> tuple[ServerInfoResponse.StorageStatus, ...]:
        """
        One for each storage, in the order of the configuration.
        """
        while self._now() >= self._until:
            if self._looking:
                waiter: Deferred[None] = Deferred()
                self._waiting.append(waiter)
                await waiter
            else:
                await self._look()
                break
        return self._found

    async def _look(self) -> None:
        self._looking = True
        try:
            self._found = tuple(await self._in_thread(_look, tuple(self._storages.values())))
            self._until = self._now() + FRESH
        finally:
            # If this failed, or nobody waits for it any more, the next one looks.
            self._looking = False
            waiting, self._waiting = self._waiting, []
            for waiter in waiting:
                if not waiter.called:
                    waiter.callback(None)


async def server_info(version: str, git: IGit, statuses: StorageStatuses) -> ServerInfoResponse:
    """
    :param version: this server's.
    """
    return ServerInfoResponse(server_version=version, git_version=git.version_text, storage_statuses=await statuses.get())


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
