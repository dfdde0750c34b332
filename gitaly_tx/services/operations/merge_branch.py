"""
A branch that takes in another commit, once the caller has seen the result's id and agreed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from protocols.gitaly.errors_pb2 import MergeConflictError
from protocols.gitaly.operations_pb2 import (
    OperationBranchUpdate,
    UserMergeBranchError,
    UserMergeBranchRequest,
    UserMergeBranchResponse,
)

from ...errors import Code, GitalyError
from ...git.interfaces import RefUpdate
from ...hooks.updateref import AccessError, HookError, UpdateError, Writer
from ...rpc.call import Call
from ...storage.interfaces import IRepository, IStaging
from ..defaultbranch import BRANCHES
from ..identity import signature
from ..validate import given, opened
from .merging import Conflicting, Merge, merged
from .oldvalue import expected_old
from .ports import OperationPorts
from .quarantine import quarantine
from .refusals import access_check, custom_hook, invalid, reference_update
from .signing import committed_by, signer_of


async def user_merge_branch(
    ports: OperationPorts, call: Call, requests: AsyncIterator[UserMergeBranchRequest]
) -> AsyncGenerator[UserMergeBranchResponse, None]:
    """
    1. The first request says what to merge; the reply has the commit's id.
    2. The second says to go on; the branch is moved.

    Between the two nothing is visible, and nothing but a quarantine is kept.

    :raises GitalyError: INTERNAL ``EOF`` without a request; FAILED_PRECONDITION ``merging commits: …`` with the conflicts,
        ``merge aborted by client``, or why the branch cannot be moved; PERMISSION_DENIED if a hook or the application is
        against it.
    """
    request = await _next(requests)
    repository = await opened(ports.storage, given(request))
    _check(request)
    name = BRANCHES + request.branch
    ours = await expected_old(repository, request.expected_old_oid)
    if ours is None:
        found = await repository.ref(name)
        if found is None:
            raise GitalyError("reference not found", Code.NOT_FOUND)
        ours = found.target
    ident = await signature(ports.in_thread, ports.now, request)
    signer = signer_of(ports, call, request)
    theirs, committer = request.commit_id.encode("utf-8"), committed_by(signer, ident)
    wanted = Merge(ours, theirs, ident, committer, request.message, request.squash, signer)
    async with quarantine(repository) as staging:
        try:
            commit = await merged(ports.git, repository, staging, wanted)
        except Conflicting as error:
            conflict = MergeConflictError(conflicting_files=error.paths, conflicting_commit_ids=[str(ours), request.commit_id])
            details = UserMergeBranchError(merge_conflict=conflict)
            text = f"merging commits: merge: {error.text}"
            raise GitalyError(text, Code.FAILED_PRECONDITION, details=(details,)) from error
        yield UserMergeBranchResponse(commit_id=str(commit))
        if not (await _next(requests)).apply:
            raise GitalyError("merge aborted by client", Code.FAILED_PRECONDITION)
        writer = Writer.of(request.user, request.repository, call.correlation_id)
        await _move(ports, repository, writer, RefUpdate(name, ours, commit), staging)
    yield UserMergeBranchResponse(branch_update=OperationBranchUpdate(commit_id=str(commit)))


async def _next(requests: AsyncIterator[UserMergeBranchRequest]) -> UserMergeBranchRequest:
    async for request in requests:
        return request
    raise GitalyError("EOF", Code.INTERNAL)


def _check(request: UserMergeBranchRequest) -> None:
    if not request.HasField("user"):
        raise invalid("empty user")
    if not request.user.email:
        raise invalid("empty user email")
    if not request.user.name:
        raise invalid("empty user name")
    if not request.branch:
        raise invalid("empty branch name")
    if not request.commit_id:
        raise invalid("empty commit ID")
    if not request.message:
        raise invalid("empty message")


async def _move(ports: OperationPorts, repository: IRepository, writer: Writer, update: RefUpdate, staging: IStaging) -> None:
    try:
        await ports.updater.update(repository, writer, [update], staging, made=True)
    except AccessError as error:
        details = UserMergeBranchError(access_check=access_check(error))
        raise GitalyError(error.text, Code.PERMISSION_DENIED, details=(details,)) from error
    except HookError as error:
        details = UserMergeBranchError(custom_hook=custom_hook(error))
        raise GitalyError(error.text, Code.PERMISSION_DENIED, details=(details,)) from error
    except UpdateError as error:
        details = UserMergeBranchError(reference_update=reference_update(error))
        raise GitalyError(error.text, Code.FAILED_PRECONDITION, details=(details,)) from error
    except GitalyError as error:
        raise error.wrapped("target update") from error
