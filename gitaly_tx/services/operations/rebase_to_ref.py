"""
A rebase that nobody pushed, in a ref of its own.
"""

from __future__ import annotations

from protocols.gitaly.operations_pb2 import UserRebaseToRefRequest, UserRebaseToRefResponse

from ...errors import Code, GitalyError
from ...git.interfaces import RefUpdate
from ...git.objectid import ObjectID
from ...git.revisions import resolve
from ...hooks.updateref import UpdateError
from ...rpc.call import Call
from ...storage.interfaces import IRepository
from ..identity import signature
from ..validate import given, opened
from .merging import Conflicting
from .ports import OperationPorts
from .quarantine import quarantine
from .rebasing import rebased
from .refusals import invalid, shown
from .target import is_target, old_value


async def user_rebase_to_ref(ports: OperationPorts, call: Call, request: UserRebaseToRefRequest) -> UserRebaseToRefResponse:
    """
    Rebase a commit onto another, and make a ref of merge requests' point at the result. No hook and no application is asked.

    :raises GitalyError: INVALID_ARGUMENT ``invalid FirstParentRef``, ``invalid SourceSha``; FAILED_PRECONDITION ``failed to
        rebase … due to conflict`` and ``could not update X. Please refresh and try again``.
    """
    repository = await opened(ports.storage, given(request))
    _check(request)
    onto = await _resolved(ports, repository, request.first_parent_ref, "FirstParentRef")
    source = await _resolved(ports, repository, request.source_sha.encode("utf-8"), "SourceSha")
    old = await old_value(repository, request.target_ref, request.expected_old_oid)
    committer = await signature(ports.in_thread, ports.now, request)
    target = shown(request.target_ref)
    async with quarantine(repository) as staging:
        try:
            commit = await rebased(ports.git, repository, staging, onto, source, committer)
        except Conflicting as error:
            text = f"failed to rebase {source} on {onto} while preparing {target} due to conflict"
            raise GitalyError(text, Code.FAILED_PRECONDITION) from error
        except GitalyError as error:
            raise error.wrapped("rebasing commits") from error
        try:
            await ports.updater.write(repository, [RefUpdate(request.target_ref, old, commit)], staging)
        except UpdateError as error:
            text = f"could not update {target}. Please refresh and try again"
            raise GitalyError(text, Code.FAILED_PRECONDITION, {"error": error.text}) from error
    return UserRebaseToRefResponse(commit_id=str(commit))


def _check(request: UserRebaseToRefRequest) -> None:
    if not request.first_parent_ref:
        raise invalid("empty FirstParentRef")
    if not request.HasField("user"):
        raise invalid("empty User")
    if not request.source_sha:
        raise invalid("empty SourceSha")
    if not request.target_ref:
        raise invalid("empty TargetRef")
    if not is_target(request.target_ref):
        raise invalid("invalid TargetRef")


async def _resolved(ports: OperationPorts, repository: IRepository, revision: bytes, field: str) -> ObjectID:
    found = await resolve(ports.git, repository, revision)
    if found is None:
        raise invalid(f"invalid {field}")
    return found
