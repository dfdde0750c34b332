"""
What crashes left behind, of this server, of gits that it ran and of others: found by name and by age. Everything here blocks.

The ages are Gitaly's; whoever makes such a file is done with it long before.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from posixpath import join

from twisted.logger import Logger

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_NAMED = {
    "config.lock": 15 * MINUTE,
    "HEAD.lock": 15 * MINUTE,
    "info/attributes.lock": 15 * MINUTE,
    "objects/info/alternates.lock": 15 * MINUTE,
    "objects/info/commit-graphs/commit-graph-chain.lock": 15 * MINUTE,
    "objects/pack/multi-pack-index.lock": 15 * MINUTE,
    "packed-refs.lock": HOUR,
    "packed-refs.new": 15 * MINUTE,
    # What only a server without a program behind it needs.
    "info/refs": 0.0,
    "objects/info/packs": 0.0,
}

_FAN_OUT = re.compile(r"[0-9a-f]{2}\Z")

log = Logger()


def remove_stale(path: str, now: float) -> list[str]:
    """
    Remove what is old enough. What cannot be removed is logged and stays.

    :param path: the repository.
    :param now: seconds since the epoch.
    :returns: what was removed, relative to the repository.
    """
    removed: list[str] = []
    for name, age in _candidates(path):
        full = join(path, name)
        try:
            found = os.lstat(full)
            if now - found.st_mtime < age:
                continue
            if stat.S_ISDIR(found.st_mode):
                os.rmdir(full)
            else:
                os.unlink(full)
        except FileNotFoundError:
            continue
        except OSError as error:
            if not os.path.isdir(full):
                log.warn("stale file cannot be removed", path=full, error=str(error))
            continue
        removed.append(name)
    return removed


def _candidates(path: str) -> Iterator[tuple[str, float]]:
    yield from _NAMED.items()
    for directory in ("objects", *(f"objects/{name}" for name in _names(join(path, "objects")) if _FAN_OUT.match(name))):
        yield from ((f"{directory}/{name}", DAY) for name in _names(join(path, directory)) if name.startswith("tmp_"))
    packs = _names(join(path, "objects", "pack"))
    for name in packs:
        if name.startswith(("tmp_", ".tmp-")):
            yield f"objects/pack/{name}", DAY
        elif name.endswith(".lock"):
            yield f"objects/pack/{name}", 7 * DAY
        elif name.endswith(".temp"):
            yield f"objects/pack/{name}", DAY
        elif name.startswith("pack-") and f"{name.split('.')[0]}.idx" not in packs:
            # Its index went first, or was never there.
            yield f"objects/pack/{name}", DAY
    yield from _refs(path)


def _refs(path: str) -> Iterator[tuple[str, float]]:
    """
    Locks, files without content, and directories that may be empty; what is in a directory comes before it.
    """
    root = join(path, "refs")
    for directory, _, names in os.walk(root, topdown=False):
        relative = os.path.relpath(directory, path)
        for name in names:
            if name.endswith(".lock"):
                yield f"{relative}/{name}", HOUR
            elif _is_empty(join(directory, name)):
                yield f"{relative}/{name}", DAY
        if relative not in ("refs", "refs/heads", "refs/tags"):
            yield relative, DAY


def _is_empty(path: str) -> bool:
    try:
        return os.lstat(path).st_size == 0
    except FileNotFoundError:
        return False


def _names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []
