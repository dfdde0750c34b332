"""
Whether a file is still the one that was read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from attrs import field, frozen

RACY = 100_000_000
"""
Nanoseconds. A file that changed this shortly before it was looked at may change again within the same tick of the file system's
clock (up to 10 ms on common kernels, more on network file systems), so its times prove nothing.
"""


@frozen
class FileIdentity:
    """
    What ``stat`` says of a file; two equal ones mean that nobody changed it in between, unless it is :attr:`racy`.

    :param exists: whether there is a file at all.
    :param racy: it changed so shortly before it was looked at that it must be read again the next time.
    """

    exists: bool
    device: int = 0
    inode: int = 0
    mtime: int = 0
    ctime: int = 0
    size: int = 0
    racy: bool = field(default=False, eq=False)


MISSING = FileIdentity(False)
"""The identity of a file that is not there."""


def identify(path: str | bytes | int, now: Callable[[], int] = time.time_ns) -> FileIdentity:
    """
    Look at a file, by path or by descriptor.

    :param now: the wall clock in nanoseconds, that which the file system stamps files with.
    """
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return MISSING
    age = now() - max(status.st_mtime_ns, status.st_ctime_ns)
    return FileIdentity(
        True, status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size, -RACY < age < RACY
    )
