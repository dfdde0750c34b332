"""
What is in a bundle: into a repository, or as a new one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from posixpath import dirname, join
from typing import TypeVar

from protocols.gitaly.repository_pb2 import (
    CreateRepositoryFromBundleRequest,
    CreateRepositoryFromBundleResponse,
    FetchBundleRequest,
    FetchBundleResponse,
)

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import IGit, RefUpdate
from ...git.objectid import ObjectID
from ...git.quoting import quoted
from ...storage.interfaces import IRepository, IStorageProvider
from ...transport.clones import Wish, branch_at
from ...transport.received import receive_file
from ...transport.remotefetch import NoRoomForRef, Wanted
from ...transport.remotes import Connection, RemoteFailed
from ..validate import given, opened
from .outward import Outward

_FILES: Mapping[str, str] = {"GIT_ALLOW_PROTOCOL": "file", "GIT_CONFIG_COUNT": "0"}

_NAME = "bundle"

CREATING = "creating repository"
"""What stands before errors."""

R = TypeVar("R", FetchBundleRequest, CreateRepositoryFromBundleRequest)


async def fetch_bundle(
    storage: IStorageProvider, git: IGit, outward: Outward, requests: AsyncIterator[FetchBundleRequest]
) -> FetchBundleResponse:
    """
    Take all refs that a bundle has, whatever they were before; refs that it does not have stay.

    :raises GitalyError: INTERNAL ``fetch bundle: …`` if git cannot read it.
    """
    first = await _first(requests)
    if first is None:
        raise GitalyError("first request: EOF", Code.INTERNAL)
    repository = await opened(storage, given(first))
    staging = await repository.stage()
    try:
        path = join(dirname(staging.directory.object_directory or ""), _NAME)
        await receive_file(outward.in_thread, path, _data(first.data, requests))
        connection = Connection(path, _FILES)
        updates = await outward.fetches.fetch(repository, staging, connection, Wanted(["+refs/*:refs/*"]))
        head = await _head(git, repository, path, updates) if first.update_head else None
        await outward.fetches.commit(repository, staging, updates, head)
    except RemoteFailed as error:
        said = error.stderr.replace(path.encode(), _NAME.encode())
        raise GitalyError(f"fetch bundle: {error.ended}, stderr: {quoted(said)}", Code.INTERNAL) from error
    except NoRoomForRef as error:
        raise error.wrapped("fetch bundle") from error
    finally:
        await staging.discard()
    return FetchBundleResponse()


async def create_repository_from_bundle(
    outward: Outward, requests: AsyncIterator[CreateRepositoryFromBundleRequest]
) -> CreateRepositoryFromBundleResponse:
    """
    Make a repository of all that is in a bundle. That there is one already is said before the bundle is read.

    :raises GitalyError: ALREADY_EXISTS; INTERNAL ``creating repository: cloning bundle: …`` if git cannot read it.
    """
    first = await _first(requests)
    if first is None:
        raise GitalyError("first request failed: EOF", Code.INTERNAL)
    repository = given(first)
    staging = await outward.clones.begin(repository, CREATING)
    try:
        path = join(staging.directory.path, _NAME)
        await receive_file(outward.in_thread, path, _data(first.data, requests))
        made = await outward.clones.clone(staging, Wish(path, _FILES, mirror=True))
        await outward.clones.create(repository, staging, made, await outward.clones.contents(made))
    except RemoteFailed as error:
        raise error.wrapped(f"{CREATING}: cloning bundle: waiting for git-clone") from error
    except GitalyError as error:
        raise error.wrapped(CREATING) from error
    finally:
        await staging.discard()
    return CreateRepositoryFromBundleResponse()


async def _head(git: IGit, repository: IRepository, bundle: str, updates: list[RefUpdate]) -> bytes | None:
    """
    The branch that HEAD was a name for where the bundle was made; ``None`` if the bundle does not have HEAD.
    """
    command = Command("bundle", [], [bundle, "HEAD"], action="list-heads", directory=repository.directory)
    output, _ = await git.run(command)
    if not output:
        return None
    refs = {ref.name: ref.target for ref in await repository.refs()}
    refs |= {update.name: update.new for update in updates}
    found = branch_at(refs, ObjectID(output.split(b" ", 1)[0]))
    if found is None:
        raise GitalyError("fetch bundle: update head from bundle: guess head: reference not found", Code.INTERNAL)
    return found


async def _first(requests: AsyncIterator[R]) -> R | None:
    async for request in requests:
        return request
    return None


async def _data(first: bytes, requests: AsyncIterator[R]) -> AsyncGenerator[bytes, None]:
    yield first
    async for request in requests:
        yield request.data
