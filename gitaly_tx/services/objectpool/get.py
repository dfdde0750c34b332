"""
Which pool does a repository borrow from?
"""

from __future__ import annotations

import os
from posixpath import join, normpath, relpath

from protocols.gitaly.objectpool_pb2 import GetObjectPoolRequest, GetObjectPoolResponse
from protocols.gitaly.shared_pb2 import ObjectPool, Repository

from ...errors import GitalyError
from ...git.directory import GitDirectory
from ...storage.interfaces import IStorageProvider
from ...storage.naming import is_inside
from ...storage.poolpaths import is_pool_path
from ...wal.threads import InThread
from ..validate import given, opened

_MAXIMUM = 1 << 16
"""Bytes of ``info/alternates`` that are read: its first line is enough."""


async def get_object_pool(storage: IStorageProvider, in_thread: InThread, request: GetObjectPoolRequest) -> GetObjectPoolResponse:
    """
    The pool that the first alternate lies in; empty if there is no alternate, or it is no pool's.
    """
    repository = await opened(storage, given(request))
    name = repository.partition.storage
    path = await in_thread(_first_alternate, repository.directory, storage.storages[name].path)
    if path is None or not is_pool_path(path):
        return GetObjectPoolResponse()
    pool = Repository(storage_name=name, relative_path=path)
    try:
        await storage.repository(pool)
    except GitalyError:
        return GetObjectPoolResponse()
    return GetObjectPoolResponse(object_pool=ObjectPool(repository=pool))


def _first_alternate(directory: GitDirectory, root: str) -> str | None:
    """
    The repository that the first alternate belongs to, relative to the storage; ``None`` if there is none inside of it.
    """
    try:
        with open(join(directory.objects, "info", "alternates"), "rb") as file:
            line = file.read(_MAXIMUM).split(b"\n", 1)[0]
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not line or line.startswith(b"#") or b"\0" in line:
        return None
    objects = normpath(join(directory.objects, os.fsdecode(line)))
    for base in (normpath(root), os.path.realpath(root)):
        if is_inside(objects, base) and objects != base:
            return relpath(os.path.dirname(objects), base)
    return None
