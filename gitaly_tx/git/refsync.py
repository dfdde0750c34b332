"""
Making refs durable.
"""

from __future__ import annotations

import os
from collections.abc import Iterable


def fsync_refs(root: bytes, names: Iterable[bytes]) -> None:
    """
    fsync the files of refs, the directories that lead to them, and ``packed-refs`` with the repository's directory. Files and
    directories that are missing are passed over: that a ref is gone is in its parents.

    :param root: the repository.
    :param names: full names of refs, or ``HEAD``.
    :raises OSError: if the disk does; nothing is durable then.
    """
    directories: set[bytes] = {b""}
    for name in names:
        fsync_path(root + b"/" + name)
        parts = name.split(b"/")[:-1]
        directories.update(b"/".join(parts[:end]) for end in range(1, len(parts) + 1))
    fsync_path(root + b"/packed-refs")
    for directory in sorted(directories, key=len, reverse=True):
        fsync_path(root + b"/" + directory)


def fsync_path(path: bytes) -> None:
    """
    fsync a file or a directory, if there is one.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
