"""
A merge whose conflicts somebody has resolved.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from protocols.gitaly.conflicts_pb2 import ResolveConflictsRequest, ResolveConflictsRequestHeader, ResolveConflictsResponse

from ...errors import Code, GitalyError
from ...git.commits import Ident, NewCommit, write_commit
from ...git.interfaces import RefUpdate
from ...git.merge import merge
from ...git.objectid import ObjectID
from ...git.quoting import quoted
from ...git.revisions import find
from ...hooks.updateref import AccessError, HookError, UpdateError, Writer
from ...rpc.call import Call
from ...storage.interfaces import IRepository, IStaging
from ..defaultbranch import BRANCHES
from ..elsewhere import elsewhere
from ..identity import signature
from ..validate import given, object_id, opened
from .files import NotAccepted, Resolver
from .ports import ConflictPorts
from .resolutions import Resolution, parse

MOST: Final = 64 << 20
"""Bytes of all resolutions of a call."""


async def resolve_conflicts(
    ports: ConflictPorts, call: Call, requests: AsyncIterator[ResolveConflictsRequest]
) -> ResolveConflictsResponse:
    """
    Merge, with the conflicting files as the caller wants them, and move the source branch there.

    :returns: with the reason if the resolutions do not fit the conflicts.
    :raises GitalyError: INVALID_ARGUMENT for what is missing; INTERNAL for everything else.
    """
    async for request in requests:
        header = request.header
        if not request.HasField("header"):
            raise _invalid("empty ResolveConflictsRequestHeader")
        break
    else:
        raise GitalyError("EOF", Code.INTERNAL)
    repository = await _opened(ports, header)
    ident = await signature(ports.in_thread, ports.now, header)
    resolutions = await ports.in_thread(parse, await _collected(requests))
    staging = await repository.stage()
    try:
        await _find_target(ports, call, header, repository, staging)
        ours, theirs = _oid(header.our_commit_oid, repository), _oid(header.their_commit_oid, repository)
        commit = await _merged(ports, repository, staging, header, resolutions, ours, theirs, ident)
        await _move(ports, call, header, repository, staging, RefUpdate(BRANCHES + header.source_branch, ours, commit))
    except NotAccepted as error:
        return ResolveConflictsResponse(resolution_error=str(error))
    finally:
        await staging.discard()
    return ResolveConflictsResponse()


async def _opened(ports: ConflictPorts, header: ResolveConflictsRequestHeader) -> IRepository:
    if not header.our_commit_oid:
        raise _invalid("empty OurCommitOid")
    repository = await opened(ports.storage, given(header))
    if not header.HasField("target_repository"):
        raise _invalid("empty TargetRepository")
    if not header.their_commit_oid:
        raise _invalid("empty TheirCommitOid")
    if not header.source_branch:
        raise _invalid("empty SourceBranch")
    if not header.target_branch:
        raise _invalid("empty TargetBranch")
    if not header.commit_message:
        raise _invalid("empty CommitMessage")
    if not header.HasField("user"):
        raise _invalid("empty User")
    return repository


async def _collected(requests: AsyncIterator[ResolveConflictsRequest]) -> bytes:
    pieces: list[bytes] = []
    room = MOST
    async for request in requests:
        room -= len(request.files_json)
        if room < 0:
            raise GitalyError("resolutions too large", Code.RESOURCE_EXHAUSTED)
        pieces.append(request.files_json)
    return b"".join(pieces)


async def _find_target(
    ports: ConflictPorts, call: Call, header: ResolveConflictsRequestHeader, repository: IRepository, staging: IStaging
) -> None:
    """
    See to it that the target branch's commit is here, which is why theirs is.
    """
    source, target = header.repository, header.target_repository
    there = elsewhere(ports.git, ports.peers, call, target)
    revision = BRANCHES + header.target_branch
    if (source.storage_name, source.relative_path) == (target.storage_name, target.relative_path):
        if await find(ports.git, repository, revision, b"commit") is None:
            raise GitalyError("reference not found", Code.INTERNAL)
        return
    revision += b"^{commit}"
    oid = None
    try:
        oid = await there.commit(revision)
    except GitalyError as error:
        raise error.wrapped(f"could not resolve target revision {quoted(revision)}") from error
    if oid is None:
        raise GitalyError(f"could not resolve target revision {quoted(revision)}: reference not found", Code.INTERNAL)
    try:
        await there.bring(oid, repository, staging)
    except GitalyError as error:
        raise error.wrapped("could not fetch target commit") from error


async def _merged(
    ports: ConflictPorts,
    repository: IRepository,
    staging: IStaging,
    header: ResolveConflictsRequestHeader,
    resolutions: list[Resolution],
    ours: ObjectID,
    theirs: ObjectID,
    ident: Ident,
) -> ObjectID:
    try:
        found = await merge(ports.git, staging.directory, ours, theirs)
    except GitalyError as error:
        raise error.wrapped("merge") from error
    tree = found.tree
    if not found.clean:
        head = await repository.ref(b"HEAD")
        resolver = Resolver(repository.through(staging), staging, ours, theirs, None if head is None else head.target)
        tree = await resolver.resolve(found, resolutions)
    return await write_commit(staging.write_object, NewCommit(tree, [ours, theirs], ident, ident, header.commit_message))


async def _move(
    ports: ConflictPorts,
    call: Call,
    header: ResolveConflictsRequestHeader,
    repository: IRepository,
    staging: IStaging,
    update: RefUpdate,
) -> None:
    writer = Writer.of(header.user, header.repository, call.correlation_id)
    try:
        await ports.updater.update(repository, writer, [update], staging, made=True)
    except UpdateError as error:
        raise GitalyError(error.text, Code.INTERNAL) from error
    except (AccessError, HookError) as error:
        raise GitalyError(error.chain, Code.INTERNAL) from error


def _oid(text: str, repository: IRepository) -> ObjectID:
    try:
        return object_id(text, repository.object_format)
    except GitalyError as error:
        wrong = "Rugged::InvalidError: unable to parse OID - contains invalid characters"
        raise GitalyError(wrong, Code.INTERNAL, {"oid": text}) from error


def _invalid(text: str) -> GitalyError:
    return GitalyError(text, Code.INVALID_ARGUMENT)
