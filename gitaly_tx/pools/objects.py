"""
Object directories taken over file by file, without a copy where the file system has hard links. Everything here blocks.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Sequence
from posixpath import dirname, join

from ..git.quarantine import staged_files
from ..wal.layout import sync_path

_ATTEMPTS = 3
_NO_LINKS = frozenset({errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EXDEV})


def gather(sources: Sequence[str], target: str) -> list[str]:
    """
    Give all objects of some object directories another name.

    :param sources: nobody who keeps to the write queue takes files away from them meanwhile; if somebody else does, this begins
        again.
    :returns: the files' names, relative to the object directory.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _gather(sources, target)
        except FileNotFoundError:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("not reached")


def names_of(sources: Iterable[str]) -> list[str]:
    """
    The files that :func:`gather` takes.
    """
    return sorted({name for source in sources for name in staged_files(source)})


def place(names: Iterable[str], source: str, target: str) -> None:
    """
    Give files that are durable names in a repository's object directory, durably; packs before their indices. What is there
    already stays.

    :param names: relative to both directories.
    """
    directories: set[str] = set()
    for name in sorted(names, key=lambda name: name.endswith(".idx")):
        path = join(target, name)
        if not os.path.exists(path):
            os.makedirs(dirname(path), exist_ok=True)
            share(join(source, name), path)
            directories.add(dirname(path))
    for directory in sorted(directories):
        sync_path(directory)
    sync_path(target)


def sync(names: Iterable[str], directory: str) -> None:
    """
    Make files durable.
    """
    for name in names:
        sync_path(join(directory, name))


def share(source: str, target: str) -> None:
    """
    Another name for the same file, or a copy where that cannot be. What is at ``target`` already stays.
    """
    try:
        os.link(source, target)
    except FileExistsError:
        pass
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        temporary = join(dirname(target), f"tmp_{os.path.basename(target)}")
        shutil.copyfile(source, temporary)
        os.chmod(temporary, 0o444)
        sync_path(temporary)
        os.rename(temporary, target)


def _gather(sources: Sequence[str], target: str) -> list[str]:
    found: dict[str, None] = {}
    for source in sources:
        for name in staged_files(source):
            path = join(target, name)
            os.makedirs(dirname(path), exist_ok=True)
            share(join(source, name), path)
            found[name] = None
    return sorted(found)
