"""
One server for each storage, and one that knows its layout.
"""

from __future__ import annotations

import errno
import fcntl
import os
from posixpath import join

from attrs import define, field

from ..errors import Code, GitalyError
from .layout import Layout, sync_path

VERSION = b"1"
"""The layout that this server makes and understands."""

_SIGNS = ("wal", "state.db", "partitions", "database")
"""What a server keeps here that has a log."""


class StorageInUse(GitalyError):
    """
    Another server works on this storage.
    """

    def __init__(self, path: str, pid: str) -> None:
        super().__init__(f"storage {path} is in use by pid {pid}", Code.FAILED_PRECONDITION, {"path": path, "pid": pid})
        self.pid = pid


class LayoutUnknown(GitalyError):
    """
    What lies in the storage was made by a newer version, or by another server.
    """

    def __init__(self, path: str, what: str) -> None:
        super().__init__(
            f"storage {path} has {what}, which this version does not know: start the version that made it, or choose another "
            "directory",
            Code.FAILED_PRECONDITION,
            {"path": path},
        )


@define(eq=False)
class StorageLock:
    """
    The lock on a storage. It goes with the process, however that ends.
    """

    _layout: Layout
    _descriptor: int = field(default=-1, init=False)

    def acquire(self) -> None:
        """
        Blocks for disk only, never for the other server.

        :raises StorageInUse: if there is one.
        """
        os.makedirs(self._layout.own, exist_ok=True)
        descriptor = os.open(join(self._layout.own, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise StorageInUse(self._layout.root, pid) from None
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """
        Let the next one in. Safe to repeat.
        """
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1


def prepare_layout(layout: Layout) -> None:
    """
    See that the storage is empty or of a layout that is known, and make the directories. Blocks; the lock is held.

    :raises LayoutUnknown: otherwise; then nothing was made.
    """
    name = join(layout.own, "version")
    try:
        with open(name, "rb") as file:
            found = file.read(64).strip()
    except FileNotFoundError:
        for sign in _SIGNS:
            if os.path.lexists(join(layout.own, sign)):
                raise LayoutUnknown(layout.root, f"a {sign} without a version") from None
        _write_version(layout, name)
        found = VERSION
    if found != VERSION:
        raise LayoutUnknown(layout.root, f"layout version {found.decode('ascii', 'replace')!r}")
    for directory in layout.directories():
        os.makedirs(directory, exist_ok=True)
    for directory in (layout.log, layout.own, layout.root):
        sync_path(directory)


def _write_version(layout: Layout, name: str) -> None:
    os.makedirs(layout.own, exist_ok=True)
    descriptor = os.open(name + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, VERSION + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(name + ".new", name)
    sync_path(layout.own)


def boot_id() -> bytes:
    """
    16 bytes that are others after every start of the kernel.
    """
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return bytes.fromhex(file.read().strip().replace("-", ""))
