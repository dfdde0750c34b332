"""
A repository's refs and objects as they lie on disk, in one tar stream.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, aclosing
from posixpath import join

from protocols.gitaly.repository_pb2 import GetSnapshotRequest, GetSnapshotResponse

from ...errors import Code, GitalyError
from ...git.alternates import object_directories
from ...git.directory import GitDirectory
from ...storage.errors import described
from ...storage.interfaces import IStorageProvider
from ...storage.naming import is_inside
from ...storage.tarstream import END, Bytes, file, file_at, gathered, header
from ...wal.threads import InThread
from ..turns import in_turns
from ..validate import given, opened

_FANOUT = re.compile(r"[0-9a-f]{2}\Z")
_LOOSE = re.compile(r"(?:[0-9a-f]{38}|[0-9a-f]{62})\Z")
_PACK = re.compile(r"pack-(?:[0-9a-f]{40}|[0-9a-f]{64})\.(?:pack|idx)\Z")

_ATTEMPTS = 5
"""How often the packs are listed again because one of them was replaced."""


async def get_snapshot(
    storage: IStorageProvider, in_thread: InThread, request: GetSnapshotRequest
) -> AsyncGenerator[GetSnapshotResponse, None]:
    """
    HEAD, the refs and all objects, those in alternates too; neither config nor hooks.

    The repository may change meanwhile: refs go first, then loose objects, then packs, so that whatever a ref in the snapshot
    needs is in it, wherever a repack moves it.

    :raises GitalyError: INTERNAL ``building snapshot failed: …`` for files that cannot be read, perhaps after some data.
    """
    repository = await opened(storage, given(request))
    root = storage.storages[repository.partition.storage].path
    async with aclosing(in_turns(in_thread, gathered(_snapshot(repository.directory, root)))) as chunks:
        async for data in chunks:
            yield GetSnapshotResponse(data=data)


def _snapshot(directory: GitDirectory, root: str) -> Bytes:
    """
    :param root: the storage; what an alternate has outside of it is left out.
    """
    path = directory.path
    try:
        yield from _if_there("HEAD", join(path, "HEAD"))
        packed = _identity(join(path, "packed-refs"))
        yield from _if_there("packed-refs", join(path, "packed-refs"))
        for below in ("refs", "branches", "reftable"):
            yield from _tree(below, join(path, below))
        if _identity(join(path, "packed-refs")) != packed:
            # A ref was packed after that file was read and before its own was. Whoever unpacks takes the later entry.
            yield from _if_there("packed-refs", join(path, "packed-refs"))
        yield from _objects(directory.objects, "objects")
        yield from _if_there("shallow", join(path, "shallow"))
        yield from _alternates(directory, os.path.realpath(root))
    except OSError as error:
        name = os.path.basename(os.fsdecode(error.filename or b""))
        raise GitalyError(f"building snapshot failed: open {name}: {described(error)}", Code.INTERNAL) from error
    except GitalyError as error:
        raise error.wrapped("building snapshot failed", Code.INTERNAL) from error
    yield END


def _alternates(directory: GitDirectory, root: str) -> Bytes:
    own = os.path.realpath(directory.objects)
    for alternate in object_directories(GitDirectory(directory.path)):
        real = os.path.realpath(alternate)
        if real != own and is_inside(real, root):
            yield from _objects(real, "objects", required=False)


def _tree(name: str, path: str) -> Bytes:
    """
    A directory with all files in it, sorted; without symbolic links, and without lock files, which nobody would remove there.
    """
    try:
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode):
            return
        names = sorted(os.listdir(path))
    except FileNotFoundError:
        return
    yield header(f"{name}/", found)
    for entry in names:
        try:
            mode = os.lstat(join(path, entry)).st_mode
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(mode):
            yield from _tree(f"{name}/{entry}", join(path, entry))
        elif stat.S_ISREG(mode) and not entry.endswith(".lock"):
            yield from _if_there(f"{name}/{entry}", join(path, entry))


def _objects(path: str, name: str, required: bool = True) -> Bytes:
    """
    The objects in an object directory.

    :param required: whether it is an error if the directory cannot be read.
    """
    try:
        fanouts = [entry for entry in sorted(os.listdir(path)) if _FANOUT.match(entry)]
    except OSError:
        if required:
            raise
        return
    for fanout in fanouts:
        for entry in _listed(join(path, fanout), _LOOSE):
            yield from _if_there(f"{name}/{fanout}/{entry}", join(path, fanout, entry))
    with ExitStack() as stack:
        for entry, descriptor in _opened_packs(join(path, "pack"), stack):
            yield from file(f"{name}/pack/{entry}", descriptor)


def _opened_packs(path: str, stack: ExitStack) -> list[tuple[str, int]]:
    """
    All packs, open at the same time: a repack that comes now does not take away from what is still to be copied.
    """
    for _ in range(_ATTEMPTS):
        with ExitStack() as attempt:
            try:
                found = [(entry, _opened(join(path, entry), attempt)) for entry in _listed(path, _PACK)]
            except FileNotFoundError:
                continue
            stack.push(attempt.pop_all())
            return found
    raise GitalyError("packs change all the time", Code.UNAVAILABLE)


def _opened(path: str, stack: ExitStack) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    stack.callback(os.close, descriptor)
    return descriptor


def _listed(path: str, pattern: re.Pattern[str]) -> Iterator[str]:
    try:
        names = os.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    yield from sorted(filter(pattern.match, names))


def _if_there(name: str, path: str) -> Bytes:
    try:
        yield from file_at(name, path)
    except FileNotFoundError:
        return


def _identity(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
