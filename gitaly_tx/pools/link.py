"""
A repository begins to borrow from a pool.
"""

from __future__ import annotations

import os
from posixpath import join, relpath

from ..git.alternates import object_directories
from ..storage.interfaces import ALTERNATES, IRepository, ITurn
from ..wal.interfaces import FileChange
from ..wal.threads import InThread
from .errors import AlternatesLocked, CannotLink, OtherAlternates

_MAXIMUM = 1 << 16


async def link(in_thread: InThread, repository: IRepository, pool: IRepository) -> None:
    """
    Let a repository find objects in a pool, too. One that does so already stays as it is; a comment in its place gives way.

    :raises GitalyError: INVALID_ARGUMENT for a pool that it cannot borrow from; INTERNAL if it borrows from elsewhere.
    """
    if repository.partition.storage != pool.partition.storage:
        raise CannotLink("repository has different storage than object pool")
    if repository.object_format is not pool.object_format:
        raise CannotLink("repository has different object format than object pool")

    async def job(turn: ITurn) -> None:
        change = await in_thread(_change, repository, pool)
        if change is not None:
            await turn.commit(files=[change])
        await in_thread(_drop_bitmaps, repository, pool)

    await repository.turn(job, [pool])


def _change(repository: IRepository, pool: IRepository) -> FileChange | None:
    own, lent = repository.directory.objects, pool.directory.objects
    if own in object_directories(pool.directory):
        raise CannotLink("object pool borrows from the repository")
    wanted = os.fsencode(relpath(lent, own))
    path = join(repository.directory.path, ALTERNATES)
    if os.path.lexists(f"{path}.lock"):
        raise AlternatesLocked()
    try:
        with open(path, "rb") as file:
            present = file.read(_MAXIMUM)
    except FileNotFoundError:
        return FileChange(ALTERNATES, wanted)
    # Its first line is where a pool stands; others stay.
    first, newline, others = present.partition(b"\n")
    if first == wanted:
        return None
    if first == os.fsencode(lent) or first.startswith(b"#"):
        return FileChange(ALTERNATES, wanted + newline + others if others else wanted)
    raise OtherAlternates(first)


def _drop_bitmaps(repository: IRepository, pool: IRepository) -> None:
    """
    git uses one bitmap only; that of the pool has more.
    """
    if not _bitmaps(pool.directory.objects):
        return
    for path in _bitmaps(repository.directory.objects):
        os.unlink(path)


def _bitmaps(objects: str) -> list[str]:
    directory = join(objects, "pack")
    names = os.listdir(directory) if os.path.isdir(directory) else []
    return [join(directory, name) for name in names if name.startswith("pack-") and name.endswith(".bitmap")]
