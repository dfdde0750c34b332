"""
A branch moved forward, along its own history.
"""

from __future__ import annotations

from protocols.gitaly.operations_pb2 import OperationBranchUpdate, UserFFBranchRequest, UserFFBranchResponse

from ...errors import Code, GitalyError
from ...git.ancestry import NoCommit, is_ancestor
from ...git.interfaces import RefUpdate
from ...git.objectid import ObjectID
from ...git.quoting import quoted
from ...git.revisions import find
from ...hooks.updateref import AccessError, HookError, UpdateError, Writer
from ...rpc.call import Call
from ...storage.interfaces import IRepository
from ..defaultbranch import BRANCHES
from ..validate import given, object_id, opened
from .oldvalue import expected_old
from .ports import OperationPorts
from .quarantine import quarantine
from .refusals import invalid


async def user_ff_branch(ports: OperationPorts, call: Call, request: UserFFBranchRequest) -> UserFFBranchResponse:
    """
    Move a branch to a commit that has the branch in its history; to the same commit, too.

    :returns: with the words of a hook that is against it; empty if the branch is not what the caller believes, or is locked.
    :raises GitalyError: INVALID_ARGUMENT ``reference not found`` without the branch; FAILED_PRECONDITION ``not fast forward``;
        INTERNAL if the application is against it.
    """
    repository = await opened(ports.storage, given(request))
    if not request.branch:
        raise invalid("empty branch name")
    if not request.HasField("user"):
        raise invalid("empty user")
    if not request.commit_id:
        raise invalid("empty commit id")
    name = BRANCHES + request.branch
    old = await expected_old(repository, request.expected_old_oid)
    if old is None:
        found = await repository.ref(name)
        if found is None:
            raise invalid("reference not found")
        old = found.target
    try:
        new = object_id(request.commit_id, repository.object_format)
    except GitalyError as error:
        raise error.wrapped("cannot parse commit ID") from error
    if not await _forward(ports, repository, old, new):
        raise GitalyError("not fast forward", Code.FAILED_PRECONDITION)
    writer = Writer.of(request.user, request.repository, call.correlation_id)
    try:
        async with quarantine(repository) as staging:
            await ports.updater.update(repository, writer, [RefUpdate(name, old, new)], staging)
    except HookError as error:
        return UserFFBranchResponse(pre_receive_error=error.text)
    except UpdateError:
        return UserFFBranchResponse()
    except AccessError as error:
        raise GitalyError(f"updating ref with hooks: {error.chain}", Code.INTERNAL) from error
    except GitalyError as error:
        raise error.wrapped("updating ref with hooks") from error
    return UserFFBranchResponse(branch_update=OperationBranchUpdate(commit_id=str(new)))


async def _forward(ports: OperationPorts, repository: IRepository, old: ObjectID, new: ObjectID) -> bool:
    try:
        return await is_ancestor(ports.git, repository.directory, old, new)
    except NoCommit as error:
        for oid in (old, new):
            if await find(ports.git, repository, oid, b"commit") is None:
                raise GitalyError(f"checking for ancestry: invalid commit: {quoted(oid)}", Code.INTERNAL) from error
        raise error.wrapped("checking for ancestry", Code.INTERNAL) from error
