"""
Repositories found on disk.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from posixpath import join

from ..wal.threads import InThread
from .naming import INTERNAL

ENTRIES = ("objects", "refs", "HEAD")
"""What a directory has that is a repository, in the order in which its lack is complained of."""

BATCH = 256
"""How many repositories are handed over at once."""


def is_repository(path: str) -> bool:
    """
    Whether a directory looks like a repository: bare, or the ``.git`` of one with a work tree.
    """
    return all(os.path.lexists(join(path, entry)) for entry in ENTRIES)


def repositories(root: str) -> Iterator[str]:
    """
    All repositories at or below a directory, in any layout, sorted; blocks.

    Nobody looks into a repository, into the server's own area, or through symbolic links. What cannot be read or vanishes
    meanwhile is left out.

    :param root: absolute.
    :returns: paths relative to ``root``; ``.`` for ``root`` itself.
    """
    waiting = ["."]
    while waiting:
        path = waiting.pop()
        try:
            with os.scandir(join(root, path)) as entries:
                names = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
        except OSError:
            continue
        if names.keys() >= set(ENTRIES):
            yield path
            continue
        below = sorted((name for name, is_directory in names.items() if is_directory), reverse=True)
        if path == ".":
            waiting += [name for name in below if name != INTERNAL]
        else:
            waiting += [join(path, name) for name in below]


async def found(threads: InThread, root: str, size: int = BATCH) -> AsyncIterator[list[str]]:
    """
    The same in batches, without blocking: each is looked for in a thread when it is asked for.

    :param size: the most repositories of a batch.
    """
    rest = repositories(root)
    while batch := await threads(lambda: list(islice(rest, size))):
        yield batch


async def count(threads: InThread, root: str) -> int:
    """
    How many repositories there are.
    """
    return await threads(lambda: sum(1 for _ in repositories(root)))
