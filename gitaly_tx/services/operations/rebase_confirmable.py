"""
A branch rebased onto another, once the caller has seen the result's id and agreed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from protocols.gitaly.errors_pb2 import AccessCheckError, MergeConflictError
from protocols.gitaly.operations_pb2 import (
    UserRebaseConfirmableError,
    UserRebaseConfirmableRequest,
    UserRebaseConfirmableResponse,
)

from ...errors import Code, GitalyError
from ...git.interfaces import RefUpdate
from ...git.names import validate_revision
from ...git.objectid import ObjectID
from ...git.quoting import quoted
from ...hooks.updateref import AccessError, HookError, UpdateError, Writer
from ...rpc.call import Call
from ...storage.interfaces import IRepository, IStaging
from ..defaultbranch import BRANCHES
from ..identity import signature
from ..validate import given, object_id, opened
from .ports import OperationPorts
from .quarantine import quarantine
from .rebasing import RebaseConflict, rebased
from .refusals import described, invalid
from .start import started

Header = UserRebaseConfirmableRequest.Header


async def user_rebase_confirmable(
    ports: OperationPorts, call: Call, requests: AsyncIterator[UserRebaseConfirmableRequest]
) -> AsyncGenerator[UserRebaseConfirmableResponse, None]:
    """
    1. The first request says what to rebase; the reply has the id of the last new commit.
    2. The second says to go on; the branch is moved.

    Between the two nothing is visible, and nothing but a quarantine is kept.

    :raises GitalyError: INTERNAL ``recv: EOF`` without a request; NOT_FOUND ``invalid object ID: …``; INVALID_ARGUMENT ``resolve
        start ref: reference not found``; FAILED_PRECONDITION ``rebasing commits: …`` with the conflicts, ``rebase aborted by
        client``; PERMISSION_DENIED if a hook is against it; INTERNAL if the application is, or the branch cannot be moved.
    """
    request = await _next(requests)
    header = request.header if request.HasField("header") else None
    if header is None:
        raise invalid("empty UserRebaseConfirmableRequest.Header")
    repository = await opened(ports.storage, given(header))
    _check(header)
    try:
        branch = object_id(header.branch_sha, repository.object_format)
    except GitalyError as error:
        raise GitalyError(error.message, Code.NOT_FOUND, error.facts) from error
    async with quarantine(repository) as staging:
        onto = await started(ports, call, header.remote_repository, header.remote_branch, repository, staging)
        commit = await _rebased(ports, header, repository, staging, onto, branch)
        yield UserRebaseConfirmableResponse(rebase_sha=str(commit))
        if not (await _next(requests)).apply:
            raise GitalyError("rebase aborted by client", Code.FAILED_PRECONDITION)
        options = [option.encode("utf-8") for option in header.git_push_options]
        writer = Writer.of(header.user, header.repository, call.correlation_id, options)
        await _move(ports, repository, writer, RefUpdate(BRANCHES + header.branch, branch, commit), staging)
    yield UserRebaseConfirmableResponse(rebase_applied=True)


async def _next(requests: AsyncIterator[UserRebaseConfirmableRequest]) -> UserRebaseConfirmableRequest:
    async for request in requests:
        return request
    raise GitalyError("recv: EOF", Code.INTERNAL)


def _check(header: Header) -> None:
    if not header.HasField("user"):
        raise invalid("empty User")
    if not header.branch:
        raise invalid("empty Branch")
    if not header.branch_sha:
        raise invalid("empty BranchSha")
    if not header.HasField("remote_repository"):
        raise invalid("empty RemoteRepository")
    if not header.remote_branch:
        raise invalid("empty RemoteBranch")
    try:
        validate_revision(header.remote_branch)
    except GitalyError as error:
        raise invalid("invalid branch name") from error


async def _rebased(
    ports: OperationPorts, header: Header, repository: IRepository, staging: IStaging, onto: ObjectID, branch: ObjectID
) -> ObjectID:
    committer = await signature(ports.in_thread, ports.now, header)
    try:
        return await rebased(ports.git, repository, staging, onto, branch, committer)
    except RebaseConflict as error:
        conflict = MergeConflictError(conflicting_files=error.paths, conflicting_commit_ids=[str(onto), str(branch)])
        details = UserRebaseConfirmableError(rebase_conflict=conflict)
        text = f"rebasing commits: {error.text}"
        raise GitalyError(text, Code.FAILED_PRECONDITION, details=(details,)) from error
    except GitalyError as error:
        raise error.wrapped("rebasing commits") from error


async def _move(ports: OperationPorts, repository: IRepository, writer: Writer, update: RefUpdate, staging: IStaging) -> None:
    try:
        await ports.updater.update(repository, writer, [update], staging, made=True)
    except HookError as error:
        details = UserRebaseConfirmableError(access_check=AccessCheckError(error_message=error.text))
        text = f"access check: {quoted(error.chain)}"
        raise GitalyError(text, Code.PERMISSION_DENIED, details=(details,)) from error
    except (AccessError, UpdateError) as error:
        raise GitalyError(f"updating ref with hooks: {described(error)}", Code.INTERNAL) from error
    except GitalyError as error:
        raise error.wrapped("updating ref with hooks") from error
