"""
Pools found, made and removed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from protocols.gitaly.shared_pb2 import Repository

from ..errors import Code, GitalyError
from ..git.alternates import object_directories
from ..git.directory import GitDirectory
from ..git.objectid import ObjectID
from ..storage.interfaces import IRepository, IStaging, IStorageProvider
from ..storage.naming import place_in, required, storage_of
from ..storage.poolpaths import is_pool_path
from ..wal.threads import InThread
from .errors import NoPool, NoPoolPath
from .objects import gather

Create = Callable[..., Awaitable[IRepository]]

Remove = Callable[[Repository | None], Awaitable[None]]

CREATING = "creating object pool"

MAIN = b"refs/heads/main"

COPIED = (b"refs/heads/", b"refs/tags/")
"""What a new pool has of its origin's refs."""


def check_path(message: Repository) -> None:
    """
    :raises NoPoolPath: if no pool can be there.
    """
    if not is_pool_path(message.relative_path):
        raise NoPoolPath(message.relative_path)


async def find_pool(storage: IStorageProvider, message: Repository | None) -> IRepository:
    """
    The pool that a request names.

    :raises GitalyError: INVALID_ARGUMENT for a name that no pool has, FAILED_PRECONDITION if there is no repository.
    """
    named = required(message)
    place_in(storage_of(named, storage.storages), named.relative_path)
    check_path(named)
    try:
        return await storage.repository(named)
    except GitalyError as error:
        if error.given_code in (None, Code.NOT_FOUND, Code.FAILED_PRECONDITION):
            raise NoPool(named.relative_path) from error
        raise


async def create_pool(
    storage: IStorageProvider, in_thread: InThread, create: Create, pool: Repository, origin: Repository
) -> IRepository:
    """
    Make a pool with the branches, the tags and all objects of a repository, whether that has them itself or borrows them.

    :param create: as :func:`gitaly_tx.storage.interfaces.IStorageProvider.create`.

    :raises GitalyError: FAILED_PRECONDITION if there is something already; as the storage for a bad origin.
    """
    check_path(pool)
    if await _is_there(storage, pool):
        raise GitalyError(f"{CREATING}: repository exists already", Code.FAILED_PRECONDITION)
    try:
        source = await storage.repository(origin)
    except GitalyError as error:
        raise error.wrapped(f"{CREATING}: getting source repository path") from error
    object_format = source.object_format
    head = await source.head() or MAIN
    try:
        staging = await storage.prepare(pool, object_format=object_format)
        try:
            refs = await _copy(in_thread, source, staging)
            return await create(pool, object_format=object_format, default_branch=head, staging=staging, refs=refs)
        finally:
            await staging.discard()
    except GitalyError as error:
        if error.given_code is Code.ALREADY_EXISTS:
            raise GitalyError(f"{CREATING}: repository exists already", Code.FAILED_PRECONDITION, error.facts) from error
        raise error.wrapped(CREATING) from error


async def _is_there(storage: IStorageProvider, message: Repository) -> bool:
    try:
        await storage.repository(message)
    except GitalyError as error:
        return error.given_code is Code.FAILED_PRECONDITION
    return True


async def _copy(in_thread: InThread, source: IRepository, staging: IStaging) -> dict[bytes, ObjectID]:
    """
    Take over everything while nobody writes the source, so that what the refs name is there.
    """
    refs: dict[bytes, ObjectID] = {}

    async def job() -> None:
        refs.update({reference.name: reference.target for reference in await source.refs(COPIED)})
        await in_thread(_gather, source.directory, staging.directory)

    await source.maintain(job)
    return refs


def _gather(source: GitDirectory, target: GitDirectory) -> None:
    gather(object_directories(source), target.objects)


async def delete_pool(storage: IStorageProvider, remove: Remove, message: Repository | None) -> None:
    """
    Remove a pool, if it is there. Whether somebody still borrows from it is for the caller to know.

    :param remove: as :func:`gitaly_tx.storage.interfaces.IStorageProvider.remove`.

    :raises GitalyError: as :func:`find_pool`, but for one that is not there.
    """
    try:
        await find_pool(storage, message)
        await remove(message)
    except NoPool:
        return
    except GitalyError as error:
        if error.given_code is not Code.NOT_FOUND:
            raise


__all__ = ["check_path", "create_pool", "delete_pool", "find_pool"]
