"""
Lock files, as every git makes them: ``<file>.lock``, made by whoever is to replace the file, and by nobody else.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable

from twisted.logger import Logger

_log = Logger()

_ATTEMPTS = 8


def lock_path(path: bytes) -> bytes:
    """
    The lock of a file.
    """
    return path + b".lock"


def take(path: bytes, content: bytes = b"") -> None:
    """
    Make a lock file. Directories that are missing are made; another git may be removing empty ones at the same time.

    :param path: of the lock file.
    :param content: what is put into it.
    :raises FileExistsError: if somebody has the lock.
    :raises NotADirectoryError: if a file is where a directory is needed.
    :raises OSError: if the disk does; then there is no lock.
    """
    for attempt in range(_ATTEMPTS):
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
            break
        except FileNotFoundError:
            if attempt == _ATTEMPTS - 1:
                raise
            _make_parents(path)
    try:
        try:
            if content:
                _write_all(descriptor, content)
        finally:
            os.close(descriptor)
    except BaseException:
        os.unlink(path)
        raise


def _make_parents(path: bytes) -> None:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from error
    except FileNotFoundError:
        pass  # somebody removed one that was just made: the next attempt makes it again


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def release(path: bytes) -> None:
    """
    Remove a lock file. One that is gone already is no error.
    """
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def break_stale(path: bytes, age: float, companion: bytes | None = None, now: Callable[[], float] = time.time) -> bool:
    """
    Remove a lock file that somebody forgot.

    :param age: seconds that a lock must not have been touched for, by the wall clock.
    :param companion: another file that whoever has the lock writes to; as long as that grows the lock is not stale.
    :returns: whether the lock is gone.
    """
    try:
        status = os.lstat(path)
        touched = max(status.st_mtime, _touched(companion))
        if now() - touched < age:
            return False
        again = os.lstat(path)
        if (again.st_ino, again.st_mtime_ns) != (status.st_ino, status.st_mtime_ns):
            return False
        os.unlink(path)
    except FileNotFoundError:
        return True
    except OSError:
        _log.failure("stale lock cannot be removed", path=path)
        return False
    _log.warn("stale lock removed", path=path, seconds=now() - touched)
    return True


def _touched(path: bytes | None) -> float:
    try:
        return 0.0 if path is None else os.lstat(path).st_mtime
    except FileNotFoundError:
        return 0.0


def remove_empty_directories(path: bytes) -> None:
    """
    Remove a directory that holds nothing but empty directories, to make room for a file.

    :raises OSError: if there is a file in it.
    """
    for parent, _, _ in os.walk(path, topdown=False):
        os.rmdir(parent)


def prune_parents(root: bytes, name: bytes) -> None:
    """
    Remove the directories of a ref that have become empty, up to but without ``refs/<kind>``.

    :param root: the repository.
    :param name: the ref.
    """
    parts = name.split(b"/")[:-1]
    while len(parts) > 2:
        try:
            os.rmdir(b"/".join((root, *parts)))
        except OSError:
            return
        parts.pop()
