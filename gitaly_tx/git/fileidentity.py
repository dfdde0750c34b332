"""
Whether a file is still the one that was read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

RACY = 100_000_000
"""
Nanoseconds. A file that changed this shortly before it was looked at may change again within the same tick of the file system's
clock (up to 10 ms on common kernels, more on network file systems), so its times prove nothing.
"""


class FileIdentity(NamedTuple):
    """
    What ``stat`` says of a file; two equal ones mean that nobody changed it in between, unless it is :attr:`racy`. Nearly every
    call compares some, so it is a plain tuple.

    :param exists: whether there is a file at all.
    """

    exists: bool
    device: int = 0
    inode: int = 0
    mtime: int = 0
    ctime: int = 0
    size: int = 0

    @property
    def racy(self) -> bool:
        """
        It changed so shortly before it was looked at that it must be read again the next time.
        """
        return False


class _RacyIdentity(FileIdentity):
    """
    Of a file that changed a moment ago.
    """

    __slots__ = ()

    @property
    def racy(self) -> bool:
        return True


_tuple = tuple.__new__  # what a named tuple does, by half the way

MISSING = FileIdentity(False)
"""The identity of a file that is not there."""


def identify(path: str | bytes | int, now: Callable[[], int] = time.time_ns) -> FileIdentity:
    """
    Look at a file, by path or by descriptor.

    :param now: the wall clock in nanoseconds, that which the file system stamps files with.
    """
    try:
        return identity_of(os.stat(path), now())
    except (FileNotFoundError, NotADirectoryError):
        return MISSING


def identity_of(status: os.stat_result, now: int) -> FileIdentity:
    """
    :param now: when it was looked at: the wall clock in nanoseconds.
    """
    mtime, ctime = status.st_mtime_ns, status.st_ctime_ns
    kind = _RacyIdentity if -RACY < now - mtime < RACY or -RACY < now - ctime < RACY else FileIdentity
    return _tuple(kind, (True, status.st_dev, status.st_ino, mtime, ctime, status.st_size))
