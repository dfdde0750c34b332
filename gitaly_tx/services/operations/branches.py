"""
Branches that users create, move and delete.
"""

from __future__ import annotations

from protocols.gitaly.operations_pb2 import (
    UserCreateBranchError,
    UserCreateBranchRequest,
    UserCreateBranchResponse,
    UserDeleteBranchError,
    UserDeleteBranchRequest,
    UserDeleteBranchResponse,
    UserUpdateBranchRequest,
    UserUpdateBranchResponse,
)
from protocols.gitaly.shared_pb2 import Branch

from ...errors import Code, GitalyError
from ...git.interfaces import RefUpdate
from ...git.objectid import ObjectFormat, ObjectID
from ...git.quoting import quoted
from ...git.revisions import find
from ...hooks.updateref import AccessError, HookError, UpdateError, Writer
from ...rpc.call import Call
from ..defaultbranch import BRANCHES
from ..validate import given, object_id, opened
from ..wire import commit_message
from .oldvalue import deleted
from .ports import OperationPorts
from .quarantine import quarantine
from .refusals import access_check, custom_hook, invalid, reference_update, shown


async def user_create_branch(ports: OperationPorts, call: Call, request: UserCreateBranchRequest) -> UserCreateBranchResponse:
    """
    A new branch at a commit, or at what a tag stands for.

    :raises GitalyError: FAILED_PRECONDITION ``revspec 'X' not found``, or why the ref cannot be made; PERMISSION_DENIED if a hook
        is against it; INTERNAL if the application is.
    """
    repository = await opened(ports.storage, given(request))
    if not request.branch_name:
        raise invalid("empty branch name")
    if not request.HasField("user"):
        raise invalid("empty user")
    if not request.start_point:
        raise invalid("empty start point")
    commit = await find(ports.git, repository, request.start_point, b"commit")
    if commit is None:
        raise GitalyError(f"revspec '{shown(request.start_point)}' not found", Code.FAILED_PRECONDITION)
    writer = Writer.of(request.user, request.repository, call.correlation_id)
    update = RefUpdate(BRANCHES + request.branch_name, repository.object_format.zero, commit.oid)
    try:
        async with quarantine(repository, held=True) as staging:
            await ports.updater.update(repository, writer, [update], staging, made=True)
    except HookError as error:
        details = UserCreateBranchError(custom_hook=custom_hook(error))
        raise GitalyError("creation denied by custom hooks", Code.PERMISSION_DENIED, details=(details,)) from error
    except UpdateError as error:
        raise GitalyError(error.text, Code.FAILED_PRECONDITION) from error
    except AccessError as error:
        raise GitalyError(error.chain, Code.INTERNAL) from error
    return UserCreateBranchResponse(branch=Branch(name=request.branch_name, target_commit=commit_message(commit)))


async def user_update_branch(ports: OperationPorts, call: Call, request: UserUpdateBranchRequest) -> UserUpdateBranchResponse:
    """
    Move a branch from one commit to another, whatever lies between them. From the zero id it is created, to that it is deleted.

    :returns: with the words of a hook that is against it.
    :raises GitalyError: FAILED_PRECONDITION ``Could not update X. Please refresh and try again.`` for every other reason.
    """
    repository = await opened(ports.storage, given(request))
    if not request.HasField("user"):
        raise invalid("empty user")
    for name in ("branch_name", "oldrev", "newrev"):
        if not getattr(request, name):
            raise invalid(f"empty {name.replace('_', ' ')}")
    new = _revision("newrev", request.newrev, repository.object_format)
    old = _revision("oldrev", request.oldrev, repository.object_format)
    writer = Writer.of(request.user, request.repository, call.correlation_id)
    update = RefUpdate(BRANCHES + request.branch_name, old, new)
    try:
        async with quarantine(repository, held=True) as staging:
            await ports.updater.update(repository, writer, [update], staging)
    except HookError as error:
        return UserUpdateBranchResponse(pre_receive_error=error.text)
    except (AccessError, UpdateError) as error:
        raise _not_updated(request.branch_name) from error
    except GitalyError as error:
        if error.given_code is not None:
            raise
        raise _not_updated(request.branch_name) from error
    return UserUpdateBranchResponse()


async def user_delete_branch(ports: OperationPorts, call: Call, request: UserDeleteBranchRequest) -> UserDeleteBranchResponse:
    """
    Delete a branch, even the one that HEAD is a name for.

    :raises GitalyError: FAILED_PRECONDITION ``branch not found: "X"``, or why the ref cannot be deleted; PERMISSION_DENIED if a
        hook or the application is against it.
    """
    repository = await opened(ports.storage, given(request))
    if not request.branch_name:
        raise invalid("bad request: empty branch name")
    if not request.HasField("user"):
        raise invalid("bad request: empty user")
    missing = f"branch not found: {quoted(request.branch_name)}"
    update = await deleted(repository, BRANCHES + request.branch_name, request.expected_old_oid, missing)
    writer = Writer.of(request.user, request.repository, call.correlation_id)
    try:
        await ports.updater.update(repository, writer, [update])
    except HookError as error:
        details = UserDeleteBranchError(custom_hook=custom_hook(error))
        text = f"deletion denied by custom hooks: {error.chain}"
        raise GitalyError(text, Code.PERMISSION_DENIED, details=(details,)) from error
    except AccessError as error:
        details = UserDeleteBranchError(access_check=access_check(error))
        text = f"deletion denied by access checks: {error.chain}"
        raise GitalyError(text, Code.PERMISSION_DENIED, details=(details,)) from error
    except UpdateError as error:
        details = UserDeleteBranchError(reference_update=reference_update(error))
        text = f"reference update failed: {error.text}"
        raise GitalyError(text, Code.FAILED_PRECONDITION, details=(details,)) from error
    except GitalyError as error:
        raise error.wrapped("deleting reference") from error
    return UserDeleteBranchResponse()


def _revision(field: str, value: bytes, object_format: ObjectFormat) -> ObjectID:
    try:
        return object_id(value, object_format)
    except GitalyError as error:
        raise GitalyError(f"could not parse {field}: {error.message}", Code.INTERNAL) from error


def _not_updated(name: bytes) -> GitalyError:
    return GitalyError(f"Could not update {shown(name)}. Please refresh and try again.", Code.FAILED_PRECONDITION)
