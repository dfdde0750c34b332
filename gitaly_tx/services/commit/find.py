"""
Commits by name.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

from protocols.gitaly.commit_pb2 import (
    FindCommitRequest,
    FindCommitResponse,
    ListCommitsByOidRequest,
    ListCommitsByOidResponse,
    ListCommitsByRefNameRequest,
    ListCommitsByRefNameResponse,
)
from protocols.gitaly.shared_pb2 import GitCommit

from ...git.interfaces import GitObject, IObjects
from ...git.names import validate_revision
from ...git.objectid import ObjectID
from ...git.parse.mailmap import Mailmap
from ...git.peeling import peeled
from ...git.revisions import look_at, resolve
from ...storage.interfaces import IRepository
from ..validate import given, opened
from ..wire import commit_message
from .ports import CommitPorts
from .replies import found

_Named = tuple[bytes, ObjectID]


async def find_commit(ports: CommitPorts, request: FindCommitRequest) -> FindCommitResponse:
    """
    The commit that a revision stands for, tags followed; none if it stands for none.

    :raises GitalyError: INVALID_ARGUMENT for what cannot be a revision.
    """
    repository = await opened(ports.storage, given(request))
    validate_revision(request.revision)
    mailmap = await ports.mailmaps.of(repository)

    def make(objects: IObjects, oid: ObjectID) -> GitCommit | None:
        return _message(peeled(objects, oid, b"commit"), mailmap, request.trailers)

    return FindCommitResponse(commit=await look_at(ports.git, repository, request.revision, make))


async def list_commits_by_oid(ports: CommitPorts, request: ListCommitsByOidRequest) -> AsyncIterator[ListCommitsByOidResponse]:
    """
    The commits of those ids that stand for one, in the order of the request. Short ids and other names do as well.
    """
    repository = await opened(ports.storage, given(request))
    named = _resolved(ports, repository, [oid.encode("utf-8") for oid in request.oid])
    async with aclosing(found(ports, repository, named, _make)) as batches:
        async for batch in batches:
            yield ListCommitsByOidResponse(commits=[commit for _, commit in batch])


async def list_commits_by_ref_name(
    ports: CommitPorts, request: ListCommitsByRefNameRequest
) -> AsyncIterator[ListCommitsByRefNameResponse]:
    """
    The same for names, each commit with the name that it was asked for by.
    """
    repository = await opened(ports.storage, given(request))
    async with aclosing(found(ports, repository, _resolved(ports, repository, request.ref_names), _make)) as batches:
        async for batch in batches:
            answers = [ListCommitsByRefNameResponse.CommitForRef(commit=commit, ref_name=name) for (name, _), commit in batch]
            yield ListCommitsByRefNameResponse(commit_refs=answers)


async def _resolved(ports: CommitPorts, repository: IRepository, names: Sequence[bytes]) -> AsyncGenerator[list[_Named], None]:
    waiting: list[_Named] = []
    for name in names:
        oid = await resolve(ports.git, repository, name)
        if oid is not None:
            waiting.append((name, oid))
        if len(waiting) == 256:
            yield waiting
            waiting = []
    yield waiting


def _make(objects: IObjects, named: _Named, mailmap: Mailmap) -> GitCommit | None:
    return _message(peeled(objects, named[1], b"commit"), mailmap)


def _message(commit: GitObject | None, mailmap: Mailmap, trailers: bool = False) -> GitCommit | None:
    return None if commit is None else commit_message(commit, mailmap, with_trailers=trailers)
