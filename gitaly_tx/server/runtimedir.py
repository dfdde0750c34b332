"""
Where a process keeps its sockets, as Gitaly lays it out: ``gitaly-PID``.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
from collections.abc import Iterator
from posixpath import join

from attrs import define, field
from twisted.logger import Logger

from ..wal.threads import InThread

_NAME = re.compile(r"gitaly-([1-9][0-9]{0,9})")


@define(eq=False)
class RuntimeDirectory:
    """
    This process's directory; it is for this user only, and goes when the process stops in order. A process that is killed leaves
    it, and the next one removes it.

    :param base: where the directories of all processes are.
    :param in_thread: where directories are removed.
    """

    _base: str
    _in_thread: InThread
    _log: Logger = field(factory=Logger, init=False)

    @property
    def path(self) -> str:
        """
        The directory.
        """
        return join(self._base, f"gitaly-{os.getpid()}")

    async def start(self) -> None:
        """
        Remove what others left, and make the directory.
        """
        for path in await self._in_thread(sweep, self._base):
            self._log.info("removed {path}: its process is gone", path=path)
        os.makedirs(self.path, mode=0o700, exist_ok=True)

    async def stop(self) -> None:
        """
        Remove the directory.
        """
        await self._in_thread(shutil.rmtree, self.path, True)


def sweep(base: str) -> list[str]:
    """
    Remove the directories of processes that are gone: this user's own, real ones, in whose sockets nobody listens. A process in
    another container may be alive without our seeing it.

    :returns: what was removed.
    """
    gone = [path for path, pid in _directories(base) if not _alive(pid) and not _listening(path)]
    for path in gone:
        shutil.rmtree(path, ignore_errors=True)
    return [path for path in gone if not os.path.lexists(path)]


def _directories(base: str) -> Iterator[tuple[str, int]]:
    """
    :returns: each one's path, and whose it is by its name.
    """
    with os.scandir(base) as entries:
        for entry in entries:
            found = _NAME.fullmatch(entry.name)
            if found is not None:
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid():
                    yield entry.path, int(found[1])


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError, OverflowError):
        return False  # Or it is somebody else's, and the directory would be, too.
    return True


def _listening(path: str) -> bool:
    for parent, _, names in os.walk(path):
        for name in names:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.setblocking(False)
                try:
                    probe.connect(join(parent, name))
                except BlockingIOError:
                    return True  # It is busy.
                except OSError:
                    continue
                return True
    return False


__all__ = ["RuntimeDirectory", "sweep"]
