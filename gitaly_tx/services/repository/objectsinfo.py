"""
Loose objects and packs, counted. It blocks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from posixpath import join

from protocols.gitaly.repository_pb2 import RepositoryInfoResponse

ObjectsInfo = RepositoryInfoResponse.ObjectsInfo

STALE = 10 * 24 * 3600
"""Seconds after which a loose object that nothing needs may be removed; Gitaly's number."""

_FANOUT = re.compile(r"[0-9a-f]{2}\Z")
_DIGITS = re.compile(r"[0-9a-f]+\Z")
_PACK = re.compile(r"pack-.*\.pack\Z")


def objects_info(path: str, now: float) -> ObjectsInfo:
    """
    :param path: the repository.
    :param now: in seconds since 1970.
    """
    info = ObjectsInfo()
    objects = join(path, "objects")
    _count_loose(info, objects, now)
    _count_packs(info, join(objects, "pack"))
    info.recent_size = info.size - info.stale_size
    return info


def _count_loose(info: ObjectsInfo, objects: str, now: float) -> None:
    for directory in _entries(objects):
        if not _FANOUT.match(directory.name) or not directory.is_dir(follow_symlinks=False):
            continue
        for entry in _entries(directory.path):
            if not _DIGITS.match(entry.name):
                info.loose_objects_garbage_count += 1
                continue
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            info.loose_objects_count += 1
            info.size += found.st_size
            if found.st_mtime < now - STALE:
                info.stale_loose_objects_count += 1
                info.stale_size += found.st_size


def _count_packs(info: ObjectsInfo, directory: str) -> None:
    entries = {entry.name: entry for entry in _entries(directory)}
    info.reverse_index_count = sum(1 for name in entries if name.startswith("pack-") and name.endswith(".rev"))
    for name, entry in entries.items():
        if not _PACK.match(name):
            continue
        try:
            size = entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue
        stem = name.removesuffix(".pack")
        info.packfile_count += 1
        info.size += size
        if f"{stem}.keep" in entries:
            info.keep_count += 1
            info.keep_size += size
        elif f"{stem}.mtimes" in entries:
            info.cruft_count += 1
            info.stale_size += size


def _entries(path: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(path) as found:
            yield from found
    except (FileNotFoundError, NotADirectoryError):
        return
