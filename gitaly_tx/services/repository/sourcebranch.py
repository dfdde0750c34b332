"""
A branch of another repository, brought here.
"""

from __future__ import annotations

from protocols.gitaly.commit_pb2 import FindCommitRequest
from protocols.gitaly.errors_pb2 import ReferenceStateMismatchError
from protocols.gitaly.repository_pb2 import FetchSourceBranchRequest, FetchSourceBranchResponse

from ...client.interfaces import IPeer
from ...errors import Code, GitalyError
from ...git.interfaces import IGit, RefUpdate
from ...git.names import validate_revision
from ...git.objectid import ObjectID
from ...git.quoting import quoted
from ...git.revisions import resolve
from ...rpc.call import Call
from ...storage.interfaces import IRepository, IStaging, IStorageProvider
from ...transport.remotefetch import NoRoomForRef, Wanted
from ...transport.remotes import Connection, RemoteFailed
from ..validate import given, object_id, opened
from .outward import Outward


async def fetch_source_branch(
    storage: IStorageProvider, git: IGit, outward: Outward, call: Call, request: FetchSourceBranchRequest
) -> FetchSourceBranchResponse:
    """
    Make a ref here point at what a branch of another repository, on any server, points at, whatever it was before.

    :returns: ``result`` is whether there is such a branch, and its commit could be had.
    :raises GitalyError: INVALID_ARGUMENT for names; INTERNAL ``remote repository: …`` if the caller's ``gitaly-servers`` do not
        name the other storage; ABORTED if the ref is not what the caller expects; INTERNAL ``UpdateRef: …``.
    """
    repository = await opened(storage, given(request))
    validate_revision(request.source_branch)
    validate_revision(request.target_ref)
    expected = None
    if request.expected_target_old_oid:
        expected = object_id(request.expected_target_old_oid, repository.object_format)
    source = request.source_repository
    try:
        peer = outward.peers.named(call, source.storage_name)
    except GitalyError as error:
        raise error.wrapped("remote repository", Code.INTERNAL) from error
    here = request.repository
    if (here.storage_name, here.relative_path) == (source.storage_name, source.relative_path):
        wanted = await resolve(git, repository, request.source_branch + b"^{commit}")
    else:
        found = await peer.unary("CommitService/FindCommit", FindCommitRequest(repository=source, revision=request.source_branch))
        wanted = ObjectID(found.commit.id) if found.commit.id else None
    if wanted is None:
        return FetchSourceBranchResponse(result=False)
    (known,) = await repository.object_info([wanted])
    staging = None if known is not None else await repository.stage()
    try:
        if staging is not None and not await _fetched(outward, peer, request, repository, staging, wanted):
            return FetchSourceBranchResponse(result=False)
        update = RefUpdate(request.target_ref, expected, wanted)
        await _point(outward, repository, staging, update)
        if staging is not None:
            outward.fetches.packed(repository)
    finally:
        if staging is not None:
            await staging.discard()
    return FetchSourceBranchResponse(result=True)


async def _fetched(
    outward: Outward,
    peer: IPeer,
    request: FetchSourceBranchRequest,
    repository: IRepository,
    staging: IStaging,
    wanted: ObjectID,
) -> bool:
    async with outward.pipes.upload_pack(peer, request.source_repository) as pipe:
        connection = Connection(pipe.url, pipe.environment)
        try:
            await outward.fetches.fetch(repository, staging, connection, Wanted([str(wanted)], checked=False), pipe.ends)
        except (RemoteFailed, NoRoomForRef):
            return False
    return True


async def _point(outward: Outward, repository: IRepository, staging: IStaging | None, update: RefUpdate) -> None:
    outcome = await outward.fetches.unasked.commit(repository, [update], staging)
    refused = outcome.refused.get(update.name)
    if refused is None:
        return
    if update.old is not None and refused.actual is not None:
        detail = ReferenceStateMismatchError(
            reference_name=update.name, expected_object_id=update.old, actual_object_id=refused.actual
        )
        raise GitalyError("reference does not point to expected object", Code.ABORTED, {"ref": update.name}, (detail,))
    old = "" if update.old is None else str(update.old)
    said = f"fatal: {refused.why.value}\n".encode()
    text = f'UpdateRef: failed updating reference {quoted(update.name)} from "{old}" to "{update.new}": exit status 128'
    raise GitalyError(f"{text}, stderr: {quoted(said)}", Code.INTERNAL, {"ref": update.name})
