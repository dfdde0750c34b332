"""
Refs of a repository elsewhere, brought here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime

from protocols.gitaly.repository_pb2 import FetchRemoteRequest, FetchRemoteResponse

from ...errors import Code, GitalyError
from ...git.interfaces import RefUpdate
from ...git.quoting import quoted
from ...rpc.call import Call
from ...storage.interfaces import IRepository, IStorageProvider
from ...transport.remotefetch import NoRoomForRef, Wanted
from ...transport.remotes import RemoteAddress, RemoteFailed
from ..features import enabled
from ..validate import given, opened
from .outward import Outward

T = TypeVar("T")

_REFMAPS = {
    "all_refs": "refs/*:refs/*",
    "heads": "refs/heads/*:refs/heads/*",
    "tags": "refs/tags/*:refs/tags/*",
}

_TAGS = b"refs/tags/"


_ATOMIC = "atomic_fetch_remote"
"""The flag without which clients before Gitaly 18 hear of refs that could not be written."""


async def fetch_remote(
    storage: IStorageProvider, outward: Outward, call: Call, request: FetchRemoteRequest
) -> FetchRemoteResponse:
    """
    Fetch, and write what came of it. Refs that would not be forwarded stay as they are, unless they are forced, and are no error.
    Callers who switch ``atomic_fetch_remote`` off get an error all the same, once the rest is written.

    :raises GitalyError: INVALID_ARGUMENT for a URL that is not used; INTERNAL ``fetch remote: …`` if git fails, ``preparing
        reference update: …`` if a ref cannot be written.
    """
    repository = await opened(storage, given(request))
    if not request.HasField("remote_params"):
        raise GitalyError("missing remote params", Code.INVALID_ARGUMENT)
    remote = request.remote_params
    if not remote.url:
        raise GitalyError("blank or empty remote URL", Code.INVALID_ARGUMENT)
    address = RemoteAddress(
        remote.url, remote.resolved_address, remote.http_authorization_header, request.ssh_key, request.known_hosts
    )
    try:
        outward.remotes.check(address)
    except GitalyError as error:
        raise GitalyError(error.message, Code.INTERNAL) from error
    wanted = Wanted(_refspecs(remote.mirror_refmaps), request.force, not request.no_prune, not request.no_tags)
    fetching = _fetched if enabled(call, _ATOMIC, default=True) else _fetched_in_part
    updates = await _in_time(outward.clock, request.timeout, lambda: fetching(repository, outward, address, wanted))
    tags = any(update.name.startswith(_TAGS) and not update.new.is_zero for update in updates)
    return FetchRemoteResponse(tags_changed=tags or not request.check_tags_changed, repo_changed=bool(updates))


async def _fetched(repository: IRepository, outward: Outward, address: RemoteAddress, wanted: Wanted) -> Sequence[RefUpdate]:
    staging = await repository.stage()
    try:
        async with outward.remotes.connected(address) as connection:
            updates = await outward.fetches.fetch(repository, staging, connection, wanted)
        await outward.fetches.commit(repository, staging, updates)
        return updates
    except RemoteFailed as error:
        raise _failed(error.stderr, error.ended) from error
    except NoRoomForRef as error:
        raise error.wrapped("preparing reference update") from error
    finally:
        await staging.discard()


async def _fetched_in_part(
    repository: IRepository, outward: Outward, address: RemoteAddress, wanted: Wanted
) -> Sequence[RefUpdate]:
    staging = await repository.stage()
    try:
        async with outward.remotes.connected(address) as connection:
            fetched = await outward.fetches.attempt(repository, staging, connection, wanted)
        await outward.fetches.commit(repository, staging, fetched.updates)
        if fetched.ended.status:
            raise _failed(fetched.ended.stderr, str(fetched.ended))
        return fetched.updates
    except RemoteFailed as error:
        raise _failed(error.stderr, error.ended) from error
    finally:
        await staging.discard()


def _failed(stderr: bytes, ended: str) -> GitalyError:
    return GitalyError(f"fetch remote: {quoted(stderr)}: {ended}" if stderr else f"fetch remote: {ended}", Code.INTERNAL)


async def _in_time(clock: IReactorTime, seconds: int, work: Callable[[], Awaitable[T]]) -> T:
    """
    :param seconds: how long it may take; 0 for as long as it takes.
    """

    async def run() -> T:
        return await work()

    running = Deferred.fromCoroutine(run())
    if seconds > 0:
        running.addTimeout(seconds, clock)
    try:
        return await running
    except TimeoutError as error:
        raise GitalyError("fetch remote: signal: terminated: context deadline exceeded", Code.INTERNAL) from error


def _refspecs(refmaps: Sequence[str]) -> list[str]:
    """
    :raises GitalyError: INVALID_ARGUMENT for one that git could take for something else.
    """
    for refmap in refmaps:
        if any(character in refmap for character in "\0\n\r"):
            raise GitalyError("invalid refspec", Code.INVALID_ARGUMENT)
    return [_REFMAPS.get(refmap, refmap) for refmap in refmaps or ("all_refs",)]
