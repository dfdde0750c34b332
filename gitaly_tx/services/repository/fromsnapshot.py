"""
A repository out of a snapshot that somebody serves over HTTP.
"""

from __future__ import annotations

import re
import threading
from posixpath import join

from twisted.internet.defer import CancelledError

from protocols.gitaly.repository_pb2 import CreateRepositoryFromSnapshotRequest, CreateRepositoryFromSnapshotResponse
from protocols.gitaly.shared_pb2 import Repository

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.directory import GitDirectory
from ...git.quoting import quoted
from ...git.remotehosts import remote_host
from ...git.remoteurl import resolved_address
from ...storage.interfaces import IRepository, IStaging
from ...transport.download import download
from ...transport.remotes import RemoteAddress, RemoteFailed
from ...transport.snapshots import BadSnapshot, unpack_snapshot
from ..validate import given
from .frombundle import CREATING
from .outward import Outward

ARCHIVE = "snapshot.tar"

_EXTRACTING = "extracting snapshot"

_SCHEME = re.compile(r"[A-Za-z][-+.A-Za-z0-9]*:")


async def create_repository_from_snapshot(
    outward: Outward, request: CreateRepositoryFromSnapshotRequest
) -> CreateRepositoryFromSnapshotResponse:
    """
    Make a repository of a tar file such as ``GetSnapshot`` makes.

    :raises GitalyError: ALREADY_EXISTS; INVALID_ARGUMENT for a URL that is not used; INTERNAL ``creating repository: extracting
        snapshot: …`` if it cannot be had, or is no snapshot.
    """
    repository = given(request)
    staging = await outward.clones.begin(repository, CREATING)
    try:
        try:
            await _downloaded(outward, request, join(staging.directory.path, ARCHIVE))
            made = await unpacked(outward, staging)
        except GitalyError as error:
            raise error.wrapped(_EXTRACTING) from error
        await placed(outward, repository, staging, made)
    except GitalyError as error:
        raise error.wrapped(CREATING) from error
    finally:
        await staging.discard()
    return CreateRepositoryFromSnapshotResponse()


async def unpacked(outward: Outward, staging: IStaging) -> GitDirectory:
    """
    The repository that :data:`ARCHIVE` in a staging directory makes, if nothing that its refs lead to is missing.

    :raises BadSnapshot: if it makes none.
    """
    root = staging.directory.path
    made = await outward.in_thread(unpack_snapshot, join(root, ARCHIVE), join(root, "snapshot"))
    ended = await outward.fetches.run(Command("rev-list", ["--objects", "--all", "--quiet"], directory=made), {})
    if ended.status != 0:
        raise BadSnapshot(ended.stderr.decode("utf-8", "replace"))
    return made


async def placed(outward: Outward, repository: Repository | None, staging: IStaging, made: GitDirectory) -> IRepository:
    """
    Give a repository that was unpacked its name.
    """
    return await outward.clones.create(repository, staging, made, await outward.clones.contents(made))


async def _downloaded(outward: Outward, request: CreateRepositoryFromSnapshotRequest, path: str) -> None:
    url = request.http_url
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    if scheme not in ("http", "https"):
        _refuse(url, scheme, request.resolved_address)
    try:
        resolved_address(url, request.resolved_address)
    except GitalyError as error:
        text = f"creating resolved HTTP client: invalid resolved address {quoted(request.resolved_address)}"
        raise GitalyError(text, Code.INVALID_ARGUMENT) from error
    host = remote_host(url)
    address = RemoteAddress(url, request.resolved_address)
    if any(character in request.http_auth for character in "\r\n\0"):
        raise GitalyError("invalid authorization header", Code.INVALID_ARGUMENT)
    try:
        addresses = await outward.remotes.addresses(address, host)
    except RemoteFailed as error:
        raise GitalyError("HTTP request failed", Code.INTERNAL, error.facts) from error
    stopped = threading.Event()
    try:
        await outward.in_thread(download, host, addresses, request.http_auth, path, stopped)
    except CancelledError:
        stopped.set()
        raise


def _refuse(url: str, scheme: str, resolved: str) -> None:
    """
    :raises GitalyError: always, with what Gitaly says of a URL that is not one of HTTP.
    """
    if resolved and scheme:
        raise GitalyError(f"creating resolved HTTP client: unsupported schema {quoted(scheme)}", Code.INVALID_ARGUMENT)
    if ":" in url.partition("/")[0] and not _SCHEME.match(url):
        why = "first path segment in URL cannot contain colon"
        raise GitalyError(f"Bad HTTP URL: parse {quoted(url)}: {why}", Code.INVALID_ARGUMENT)
    why = f"unsupported protocol scheme {quoted(scheme)}"
    raise GitalyError(f"HTTP request failed: Get {quoted(url)}: {why}", Code.INTERNAL)
