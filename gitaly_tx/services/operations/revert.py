"""
One commit's change, undone on a branch.
"""

from __future__ import annotations

from protocols.gitaly.errors_pb2 import ChangesAlreadyAppliedError, MergeConflictError, NotAncestorError
from protocols.gitaly.operations_pb2 import UserRevertError, UserRevertRequest, UserRevertResponse

from ...errors import Code, GitalyError
from ...git.commits import NewCommit, write_commit
from ...git.merge import Merged, Side
from ...git.objectid import ObjectID
from ...hooks.updateref import HookError
from ...rpc.call import Call
from ..features import enabled
from ..identity import signature
from ..validate import given, opened
from .merging import Conflicting, changing
from .picking import Diverged, Pick, begun, check
from .ports import OperationPorts
from .quarantine import quarantine
from .refusals import custom_hook
from .signing import committed_by, signer_of

_EMPTY = "revert: could not apply because the result was empty"


async def user_revert(ports: OperationPorts, call: Call, request: UserRevertRequest) -> UserRevertResponse:
    """
    Undo what a commit changed in regard to its first parent, on a start, and move a branch there.

    :returns: with the reason if it cannot be done, unless the caller's flag asks for errors.
    :raises GitalyError: INVALID_ARGUMENT ``resolve start ref: reference not found``; NOT_FOUND without the commit; with the flag
        FAILED_PRECONDITION for conflicts, an empty result, and a branch that has gone another way, PERMISSION_DENIED if a hook is
        against it; INTERNAL if the application is, or the ref cannot be moved.
    """
    repository = await opened(ports.storage, given(request))
    check(request)
    strict = enabled(call, "return_structured_errors_in_revert")
    async with quarantine(repository) as staging:
        pick = await begun(ports, call, request, repository, staging)
        ident = await signature(ports.in_thread, ports.now, request)
        merged = await _merged(pick)
        if not merged.clean:
            return _conflict(merged, strict)
        if merged.tree == pick.before:
            return _empty(strict)
        try:
            signer = signer_of(ports, call, request)
            new = NewCommit(merged.tree, [pick.start], ident, committed_by(signer, ident), request.message)
            commit = await write_commit(staging.write_object, new, signer)
        except GitalyError as error:
            raise error.wrapped("write commit") from error
        return await _moved(pick, commit, strict)


async def _merged(pick: Pick) -> Merged:
    """
    The start without the change.
    """
    undone = await pick.commit(pick.request.commit.id)
    if undone is None:
        raise GitalyError("revert commit lookup: commit not found", Code.NOT_FOUND)
    base, theirs = await pick.trees(undone)
    if theirs is None:
        theirs = await pick.staging.write_object(b"tree", b"")
    async with changing(pick.ports.git, pick.repository, pick.staging) as changes:
        return await changes.merge(base, Side(pick.before, pick.start), Side(theirs, undone.oid))


def _conflict(merged: Merged, strict: bool) -> UserRevertResponse:
    if strict:
        details = UserRevertError(merge_conflict=MergeConflictError(conflicting_files=merged.paths))
        raise GitalyError(f"revert: {Conflicting.text}", Code.FAILED_PRECONDITION, details=(details,))
    return UserRevertResponse(
        create_tree_error="revert: could not apply due to conflicts", create_tree_error_code=UserRevertResponse.CONFLICT
    )


def _empty(strict: bool) -> UserRevertResponse:
    if strict:
        details = UserRevertError(changes_already_applied=ChangesAlreadyAppliedError())
        raise GitalyError(_EMPTY, Code.FAILED_PRECONDITION, details=(details,))
    return UserRevertResponse(create_tree_error=_EMPTY, create_tree_error_code=UserRevertResponse.EMPTY)


async def _moved(pick: Pick, commit: ObjectID, strict: bool) -> UserRevertResponse:
    try:
        return UserRevertResponse(branch_update=await pick.move(commit))
    except Diverged as error:
        if not strict:
            return UserRevertResponse(commit_error="Branch diverged")
        diverged = NotAncestorError(parent_revision=error.old, child_revision=error.new)
        details = UserRevertError(not_ancestor=diverged)
        raise GitalyError("revert: branch diverged", Code.FAILED_PRECONDITION, details=(details,)) from error
    except HookError as error:
        if not strict:
            return UserRevertResponse(pre_receive_error=error.text)
        details = UserRevertError(custom_hook=custom_hook(error))
        raise GitalyError("revert: custom hook error", Code.PERMISSION_DENIED, details=(details,)) from error
