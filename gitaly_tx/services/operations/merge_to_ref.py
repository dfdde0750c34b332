"""
A merge that nobody pushed, in a ref of its own: what a branch would be.
"""

from __future__ import annotations

from protocols.gitaly.operations_pb2 import UserMergeToRefRequest, UserMergeToRefResponse

from ...errors import Code, GitalyError
from ...git.interfaces import RefUpdate
from ...git.objectid import ObjectID
from ...git.revisions import resolve
from ...hooks.updateref import UpdateError
from ...rpc.call import Call
from ...storage.interfaces import IRepository
from ..identity import signature
from ..validate import given, opened
from .merging import Conflicting, Merge, merged
from .ports import OperationPorts
from .quarantine import quarantine
from .refusals import invalid, shown
from .signing import committed_by, signer_of
from .target import is_target, old_value


async def user_merge_to_ref(ports: OperationPorts, call: Call, request: UserMergeToRefRequest) -> UserMergeToRefResponse:
    """
    Merge a commit into another, and make a ref of merge requests' point at the result. No hook and no application is asked.

    :raises GitalyError: INVALID_ARGUMENT ``Invalid merge source`` if one of them is unknown; FAILED_PRECONDITION ``Failed to
        create merge commit for source_sha …`` for all that stands in the way of the merge, and ``Could not update X. Please
        refresh and try again``.
    """
    repository = await opened(ports.storage, given(request))
    _check(request)
    ours = await _resolved(ports, repository, request.first_parent_ref or request.branch)
    theirs = await _resolved(ports, repository, request.source_sha.encode("utf-8"))
    ident = await signature(ports.in_thread, ports.now, request)
    old = await old_value(repository, request.target_ref, request.expected_old_oid)
    target = shown(request.target_ref)
    signer = signer_of(ports, call, request)
    wanted = Merge(ours, theirs, ident, committed_by(signer, ident), request.message, signer=signer)
    async with quarantine(repository) as staging:
        try:
            commit = await merged(ports.git, repository, staging, wanted)
        except (Conflicting, GitalyError) as error:
            if isinstance(error, GitalyError) and error.given_code is not None:
                raise
            text = f"Failed to create merge commit for source_sha {theirs} and target_sha {ours} at {target}"
            raise GitalyError(text, Code.FAILED_PRECONDITION, {"error": str(error)}) from error
        try:
            await ports.updater.write(repository, [RefUpdate(request.target_ref, old, commit)], staging)
        except UpdateError as error:
            text = f"Could not update {target}. Please refresh and try again"
            raise GitalyError(text, Code.FAILED_PRECONDITION, {"error": error.text}) from error
    return UserMergeToRefResponse(commit_id=str(commit))


def _check(request: UserMergeToRefRequest) -> None:
    if not request.first_parent_ref and not request.branch:
        raise invalid("empty first parent ref and branch name")
    if not request.HasField("user"):
        raise invalid("empty user")
    if not request.source_sha:
        raise invalid("empty source SHA")
    if not request.target_ref:
        raise invalid("empty target ref")
    if not is_target(request.target_ref):
        raise invalid("invalid target ref")


async def _resolved(ports: OperationPorts, repository: IRepository, revision: bytes) -> ObjectID:
    found = await resolve(ports.git, repository, revision)
    if found is None:
        raise invalid("Invalid merge source")
    return found
