"""
Refs and their objects in one file.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

from protocols.gitaly.repository_pb2 import (
    CreateBundleFromRefListRequest,
    CreateBundleFromRefListResponse,
    CreateBundleRequest,
    CreateBundleResponse,
)

from ...errors import Code, GitalyError
from ...git.attending import feeding
from ...git.command import Command
from ...git.interfaces import Ended, IGit
from ...git.options import Option, StandardOutput
from ...git.records import pieces
from ...git.revisionlist import MAXIMUM, RevisionList, revision_list
from ...storage.interfaces import IRepository, IStorageProvider
from ..chunked import chunked
from ..validate import given, opened

_EMPTY = "create bundle: refusing to create empty bundle"


async def create_bundle(
    storage: IStorageProvider, git: IGit, request: CreateBundleRequest
) -> AsyncGenerator[CreateBundleResponse, None]:
    """
    A bundle of all refs, internal ones too, and of HEAD.

    :raises GitalyError: INTERNAL ``create bundle: refusing to create empty bundle`` for a repository without refs.
    """
    repository = await opened(storage, given(request))
    async with aclosing(_bundle(git, repository, RevisionList((), b""), ["--all"], Code.INTERNAL)) as output:
        async for data in output:
            yield CreateBundleResponse(data=data)


async def create_bundle_from_ref_list(
    storage: IStorageProvider, git: IGit, requests: AsyncIterator[CreateBundleFromRefListRequest]
) -> AsyncGenerator[CreateBundleFromRefListResponse, None]:
    """
    A bundle of what the caller's patterns name: refs, ``^<id>`` for what the receiver has, ``--all`` and its like. What names
    nothing is passed over.

    :raises GitalyError: FAILED_PRECONDITION ``create bundle: refusing to create empty bundle`` if nothing is left.
    """
    repository: IRepository | None = None
    patterns: list[bytes] = []
    room = MAXIMUM
    async for request in requests:
        if repository is None:
            repository = await opened(storage, given(request))
        for pattern in request.patterns:
            room -= len(pattern) + 1
            patterns.extend(pattern.split(b"\n"))
        if room < 0:
            raise GitalyError("too many patterns", Code.RESOURCE_EXHAUSTED)
    if repository is None:
        raise GitalyError("receiving first request: EOF", Code.INTERNAL)
    asked = revision_list(patterns)
    options = ["--ignore-missing", *asked.options, "--stdin"]
    async with aclosing(_bundle(git, repository, asked, options, Code.FAILED_PRECONDITION)) as output:
        async for data in output:
            yield CreateBundleFromRefListResponse(data=data)


async def _bundle(
    git: IGit, repository: IRepository, asked: RevisionList, options: Sequence[Option | bytes | str], empty: Code
) -> AsyncGenerator[bytes, None]:
    """
    :param empty: the code for a bundle with nothing in it.
    """
    command = Command("bundle", [StandardOutput(), *options], action="create", directory=repository.directory)
    child = git.spawn(command)
    fed = feeding(child, asked.stdin)
    try:
        async with aclosing(pieces(child)) as output:
            async for data in output:
                for chunk in chunked(data):
                    yield chunk
        ended = await child.wait()
    finally:
        fed.cancel()
    if ended.status != 0:
        raise _failed(ended, empty)


def _failed(ended: Ended, empty: Code) -> GitalyError:
    if b"Refusing to create empty bundle" in ended.stderr:
        return GitalyError(_EMPTY, empty)
    return GitalyError(f"create bundle: {ended}", Code.INTERNAL, {"stderr": ended.stderr.decode("utf-8", "replace")})
