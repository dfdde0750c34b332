"""
One commit's change, done on a branch.
"""

from __future__ import annotations

from attrs import evolve

from protocols.gitaly.errors_pb2 import (
    AccessCheckError,
    ChangesAlreadyAppliedError,
    MergeConflictError,
    NotAncestorError,
)
from protocols.gitaly.operations_pb2 import (
    OperationBranchUpdate,
    UserCherryPickError,
    UserCherryPickRequest,
    UserCherryPickResponse,
)

from ...errors import Code, GitalyError
from ...git.commits import NewCommit, write_commit
from ...git.interfaces import GitObject
from ...git.merge import Side
from ...git.objectid import ObjectID
from ...git.quoting import quoted
from ...hooks.updateref import HookError
from ...rpc.call import Call
from ..identity import signature
from ..validate import given, opened
from .merging import Conflicting, changing
from .picking import Diverged, Pick, author, begun, check
from .ports import OperationPorts
from .quarantine import quarantine
from .signing import committed_by, signer_of


async def user_cherry_pick(ports: OperationPorts, call: Call, request: UserCherryPickRequest) -> UserCherryPickResponse:
    """
    Do what a commit changed in regard to its first parent on a start, and move a branch there.

    :raises GitalyError: INVALID_ARGUMENT ``resolve start ref: reference not found``; NOT_FOUND without the commit;
        FAILED_PRECONDITION for conflicts, an empty result, a branch that has gone another way, and if a hook is against it;
        INTERNAL if the application is, or the ref cannot be moved.
    """
    repository = await opened(ports.storage, given(request))
    check(request)
    async with quarantine(repository) as staging:
        pick = await begun(ports, call, request, repository, staging)
        committer = await signature(ports.in_thread, ports.now, request)
        picked = await pick.commit(request.commit.id)
        if picked is None:
            text = f"cherry-pick: commit lookup: commit not found: {quoted(request.commit.id)}"
            raise GitalyError(text, Code.NOT_FOUND)
        tree = await _tree(pick, picked)
        writer = author(picked)
        writer = evolve(writer, name=request.commit_author_name or writer.name, email=request.commit_author_email or writer.email)
        try:
            signer = signer_of(ports, call, request)
            new = NewCommit(tree, [pick.start], writer, committed_by(signer, committer), request.message)
            commit = await write_commit(staging.write_object, new, signer)
        except GitalyError as error:
            raise error.wrapped("write commit") from error
        return UserCherryPickResponse(branch_update=await _moved(pick, commit))


async def _tree(pick: Pick, picked: GitObject) -> ObjectID:
    theirs, base = await pick.trees(picked)
    if base is None:
        raise GitalyError("cherry-pick command: commit has no parent", Code.INTERNAL)
    try:
        async with changing(pick.ports.git, pick.repository, pick.staging) as changes:
            merged = await changes.merge(base, Side(pick.before, pick.start), Side(theirs, picked.oid))
    except GitalyError as error:
        raise error.wrapped("cherry-pick command") from error
    if not merged.clean:
        details = UserCherryPickError(cherry_pick_conflict=MergeConflictError(conflicting_files=merged.paths))
        text = f"cherry pick: merge: {Conflicting.text}"
        raise GitalyError(text, Code.FAILED_PRECONDITION, details=(details,))
    if merged.tree == pick.before:
        details = UserCherryPickError(changes_already_applied=ChangesAlreadyAppliedError())
        text = "cherry-pick: could not apply because the result was empty"
        raise GitalyError(text, Code.FAILED_PRECONDITION, details=(details,))
    return merged.tree


async def _moved(pick: Pick, commit: ObjectID) -> OperationBranchUpdate:
    try:
        return await pick.move(commit)
    except Diverged as error:
        diverged = NotAncestorError(parent_revision=error.old, child_revision=error.new)
        details = UserCherryPickError(target_branch_diverged=diverged)
        raise GitalyError("cherry-pick: branch diverged", Code.FAILED_PRECONDITION, details=(details,)) from error
    except HookError as error:
        details = UserCherryPickError(access_check=AccessCheckError(error_message=error.text.removesuffix("\n")))
        raise GitalyError("access check failed", Code.FAILED_PRECONDITION, details=(details,)) from error
