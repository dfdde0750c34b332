"""
How much space objects take.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from protocols.gitaly.repository_pb2 import ObjectsSizeRequest, ObjectsSizeResponse

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import IGit
from ...git.names import validate_revision
from ...git.revisionlist import MAXIMUM, revision_list
from ...storage.interfaces import IRepository, IStorageProvider
from ..validate import given, opened


async def objects_size(storage: IStorageProvider, git: IGit, requests: AsyncIterator[ObjectsSizeRequest]) -> ObjectsSizeResponse:
    """
    The bytes that all objects take on disk that can be reached from some revisions, as ``git rev-list --disk-usage`` counts them.

    :raises GitalyError: INVALID_ARGUMENT for requests without revisions, for bad ones, and for a second repository; NOT_FOUND
        ``revision not found``; RESOURCE_EXHAUSTED for more than 16 MiB of revisions.
    """
    repository: IRepository | None = None
    revisions: list[bytes] = []
    room = MAXIMUM
    async for request in requests:
        if repository is None:
            repository = await opened(storage, given(request))
        elif request.HasField("repository"):
            raise GitalyError("subsequent requests must not contain repository", Code.INVALID_ARGUMENT)
        _validate(request.revisions)
        room -= sum(len(revision) + 1 for revision in request.revisions)
        if room < 0:
            raise GitalyError("too many revisions", Code.RESOURCE_EXHAUSTED)
        revisions.extend(request.revisions)
    if repository is None:
        raise GitalyError("receiving initial request: EOF", Code.INTERNAL)
    return ObjectsSizeResponse(size=await _size(git, repository, revisions))


def _validate(revisions: Iterable[bytes]) -> None:
    if not revisions:
        raise GitalyError("no revisions specified", Code.INVALID_ARGUMENT)
    for revision in revisions:
        try:
            validate_revision(revision, allow_pseudo=True)
        except GitalyError as error:
            raise error.wrapped("validating revision") from error


async def _size(git: IGit, repository: IRepository, revisions: Iterable[bytes]) -> int:
    asked = revision_list(revisions)
    options = ["--disk-usage", "--objects", *asked.options, "--stdin"]
    output, ended = await git.run(Command("rev-list", options, directory=repository.directory), stdin=asked.stdin, check=False)
    if ended.status != 0:
        facts = {"stderr": ended.stderr.decode("utf-8", "replace")}
        if b"bad revision" in ended.stderr:
            raise GitalyError("revision not found", Code.NOT_FOUND, facts)
        raise GitalyError(f"rev-list failed with error code {ended.status}", Code.INTERNAL, facts)
    return int(output)
