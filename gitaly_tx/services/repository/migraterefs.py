"""
Refs in another format.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from posixpath import join

from attrs import frozen
from google.protobuf.duration_pb2 import Duration
from twisted.internet.interfaces import IReactorTime

from protocols.gitaly.repository_pb2 import MigrateReferenceBackendRequest, MigrateReferenceBackendResponse

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.config import UnusableConfig, parse_config
from ...git.directory import GitDirectory
from ...git.interfaces import IGit
from ...hooks.interfaces import Change
from ...hooks.unasked import Unasked
from ...storage.interfaces import IRepository, IStorageProvider, ITurn
from ...wal.interfaces import FileChange
from ...wal.threads import InThread
from ..validate import given, opened

OLDEST = (2, 46, 0)
"""The first git that can do it."""

LARGEST = 64 << 20
"""Bytes of all refs that go through the log at once."""

_NAMES = {
    MigrateReferenceBackendRequest.REFERENCE_BACKEND_FILES: "files",
    MigrateReferenceBackendRequest.REFERENCE_BACKEND_REFTABLE: "reftable",
}

_CONFIG = 1 << 20


@frozen
class MigrationMeans:
    """
    :param in_thread: where files are read and written.
    :param unasked: tells of it.
    :param clock: measures how long it takes.
    """

    storage: IStorageProvider
    git: IGit
    in_thread: InThread
    unasked: Unasked
    clock: IReactorTime


async def migrate_reference_backend(
    means: MigrationMeans, request: MigrateReferenceBackendRequest
) -> MigrateReferenceBackendResponse:
    """
    Have a repository's refs in the format that is wanted. A copy of them is converted while nobody else writes, and takes their
    place as one write.

    :returns: how long that took; next to nothing if the format is the wanted one already.
    :raises GitalyError: INVALID_ARGUMENT ``target reference backend not set``, or for one that nobody knows; FAILED_PRECONDITION
        if git is too old for it; INTERNAL ``migration failed: …``.
    """
    repository = await opened(means.storage, given(request))
    target = _NAMES.get(request.target_reference_backend)
    if target is None:
        unset = request.target_reference_backend == MigrateReferenceBackendRequest.REFERENCE_BACKEND_UNSPECIFIED
        told = "target reference backend not set" if unset else "unknown target reference backend"
        raise GitalyError(told, Code.INVALID_ARGUMENT)
    begun = means.clock.seconds()
    staging = await repository.stage()
    try:
        scratch = GitDirectory(await staging.scratch(), repository.directory.objects)
        await means.unasked.carry(_migrated(means, repository, scratch, target))
    finally:
        await staging.discard()
    time = Duration()
    time.FromMicroseconds(int((means.clock.seconds() - begun) * 1_000_000))
    return MigrateReferenceBackendResponse(time=time)


async def _migrated(means: MigrationMeans, repository: IRepository, scratch: GitDirectory, target: str) -> None:
    if await repository.turn(lambda turn: _migrate(means.git, means.in_thread, repository, turn, scratch, target)):
        await means.unasked.tell(repository, change=Change.CONVERTED)


async def _migrate(
    git: IGit, in_thread: InThread, repository: IRepository, turn: ITurn, scratch: GitDirectory, target: str
) -> bool:
    """
    :returns: whether there was anything to do.
    """
    if await in_thread(_present, repository.directory.path) == target:
        return False
    if git.version < OLDEST:
        told = f"migration failed: git {git.version_text} is too old, {OLDEST[0]}.{OLDEST[1]} or newer is needed"
        raise GitalyError(told, Code.FAILED_PRECONDITION)
    await in_thread(_copy, repository.directory.path, scratch.path)
    await _run(git, Command("refs", [f"--ref-format={target}"], action="migrate", directory=scratch))
    if target == "files":
        await _run(git, Command("pack-refs", ["--all"], directory=scratch))
    await turn.commit(files=await in_thread(_changes, scratch.path, target))
    return True


async def _run(git: IGit, command: Command) -> None:
    _, ended = await git.run(command, check=False)
    if ended.status != 0:
        facts = {"stderr": ended.stderr.decode("utf-8", "replace")}
        raise GitalyError(f"migration failed: {command.name}: {ended}", Code.INTERNAL, facts)


def _present(path: str) -> str:
    config = join(path, "config")
    try:
        with open(config, "rb") as file:
            return parse_config(file.read(_CONFIG)).ref_storage
    except FileNotFoundError:
        return "files"
    except ValueError as error:
        raise UnusableConfig(config, str(error)) from error


def _copy(path: str, scratch: str) -> None:
    """
    All of a repository that says what its refs are. Logs of refs are none of that, and git would not take them along.
    """
    for name in ("HEAD", "config", "packed-refs"):
        if os.path.exists(join(path, name)):
            shutil.copyfile(join(path, name), join(scratch, name))
    for name in ("refs", "reftable"):
        if os.path.isdir(join(path, name)):
            shutil.copytree(join(path, name), join(scratch, name), symlinks=True, ignore=shutil.ignore_patterns("*.lock"))


def _changes(scratch: str, target: str) -> tuple[FileChange, ...]:
    """
    What makes of a repository what its copy has become. Its config says which format counts: what that format has is there
    before, and what the other one has goes after.
    """
    config = _file(scratch, "config")
    refs = [_file(scratch, "HEAD"), *_directory(scratch, "refs")]
    packed = _file(scratch, "packed-refs")
    if target == "files":
        changes = (packed, *refs, config, FileChange("reftable", None))
    else:
        changes = (*_directory(scratch, "reftable"), config, *refs, packed)
    if sum(len(change.content or b"") for change in changes) > LARGEST:
        raise GitalyError("migration failed: too many references", Code.FAILED_PRECONDITION)
    return changes


def _file(scratch: str, path: str) -> FileChange:
    try:
        with open(join(scratch, path), "rb") as file:
            return FileChange(path, file.read(LARGEST + 1))
    except FileNotFoundError:
        return FileChange(path, None)


def _directory(scratch: str, path: str) -> Iterator[FileChange]:
    yield FileChange(path, b"", stat.S_IFDIR | 0o755)
    for name in sorted(os.listdir(join(scratch, path))):
        below = f"{path}/{name}"
        if os.path.isdir(join(scratch, below)):
            yield from _directory(scratch, below)
        else:
            yield _file(scratch, below)
