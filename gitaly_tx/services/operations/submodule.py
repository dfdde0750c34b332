"""
Submodules that users set to another commit.
"""

from __future__ import annotations

import posixpath

from protocols.gitaly.operations_pb2 import (
    OperationBranchUpdate,
    UserUpdateSubmoduleRequest,
    UserUpdateSubmoduleResponse,
)

from ...errors import Code, GitalyError
from ...git import peeling
from ...git.commits import NewCommit, write_commit
from ...git.interfaces import IObjects, RefUpdate
from ...git.objectid import ObjectID
from ...git.parse.tree import SUBMODULE
from ...git.treeedit import TreeEditor
from ...hooks.updateref import AccessError, HookError, UpdateError, Writer
from ...rpc.call import Call
from ...storage.interfaces import IRepository, IStaging
from ..defaultbranch import BRANCHES
from ..identity import signature
from ..validate import given, object_id, opened
from .oldvalue import expected_old
from .ports import OperationPorts
from .quarantine import quarantine
from .refusals import invalid, shown


class _Unchanged(Exception):
    """
    Nothing can be done about the submodule; the caller is told why in a reply.
    """


async def user_update_submodule(
    ports: OperationPorts, call: Call, request: UserUpdateSubmoduleRequest
) -> UserUpdateSubmoduleResponse:
    """
    Commit another commit for a submodule to a branch. Whether there is such a commit only the other repository knows.

    :returns: with ``commit_error`` if there is no such submodule, or the branch has moved; with ``pre_receive_error`` if a hook
        is against it.
    :raises GitalyError: INVALID_ARGUMENT ``Cannot find branch``; INTERNAL if the application is against it.
    """
    repository = await opened(ports.storage, given(request))
    wanted = _validate(request, repository)
    if not await repository.refs((BRANCHES,)):
        return UserUpdateSubmoduleResponse(commit_error="Repository is empty")
    name = BRANCHES + request.branch
    branch = await repository.ref(name)
    if branch is None:
        raise invalid("Cannot find branch")
    old = await expected_old(repository, request.expected_old_oid) or branch.target
    who = await signature(ports.in_thread, ports.now, request)
    writer = Writer.of(request.user, request.repository, call.correlation_id)
    async with quarantine(repository, held=True) as staging:
        try:
            tree = await _tree(repository, staging, branch.target, request.submodule, wanted)
        except _Unchanged as error:
            return UserUpdateSubmoduleResponse(commit_error=str(error))
        made = NewCommit(tree, [branch.target], who, who, request.commit_message)
        try:
            commit = await write_commit(staging.write_object, made)
        except GitalyError as error:
            text = f"submodule subcommand: creating commit {error.message}"
            raise GitalyError(text, error.code, error.facts) from error
        try:
            await ports.updater.update(repository, writer, [RefUpdate(name, old, commit)], staging, made=True)
        except HookError as error:
            return UserUpdateSubmoduleResponse(pre_receive_error=error.text)
        except UpdateError:
            text = f"Could not update {shown(name)}. Please refresh and try again."
            return UserUpdateSubmoduleResponse(commit_error=text)
        except AccessError as error:
            raise GitalyError(f"updating ref with hooks: {error.chain}", Code.INTERNAL) from error
        except GitalyError as error:
            raise error.wrapped("updating ref with hooks") from error
    return UserUpdateSubmoduleResponse(branch_update=OperationBranchUpdate(commit_id=str(commit)))


def _validate(request: UserUpdateSubmoduleRequest, repository: IRepository) -> ObjectID:
    """
    :returns: the commit that the submodule shall be at.
    """
    if not request.HasField("user"):
        raise invalid("empty User")
    if not request.commit_sha:
        raise invalid("empty CommitSha")
    try:
        wanted = object_id(request.commit_sha, repository.object_format)
    except GitalyError as error:
        raise invalid("invalid CommitSha") from error
    if not request.branch:
        raise invalid("empty Branch")
    if not request.submodule:
        raise invalid("empty Submodule")
    if not request.commit_message:
        raise invalid("empty CommitMessage")
    return wanted


async def _tree(repository: IRepository, staging: IStaging, commit: ObjectID, submodule: bytes, wanted: ObjectID) -> ObjectID:
    path = posixpath.normpath(submodule)
    for broken, why in (
        (path.startswith(b"/"), "path is absolute"),
        (path.startswith(b".."), "path contains traversal"),
        (path == b".", "path is empty"),
        (path.partition(b"/")[0] == b".git", "disallowed path"),
    ):
        if broken:
            raise GitalyError(f"submodule subcommand: modifying tree: {why}", Code.INTERNAL, {"path": submodule})

    def change(objects: IObjects) -> ObjectID:
        root = peeling.peeled_id(objects, commit, b"tree")
        if root is None:
            raise GitalyError("submodule subcommand: reading tree: reference not found", Code.INTERNAL)
        tree = TreeEditor(objects, root)
        found = tree.find(path)
        if found is None or found.mode != SUBMODULE:
            raise _Unchanged("Invalid submodule path")
        if found.oid == wanted:
            raise _Unchanged(f"The submodule {shown(submodule)} is already at {wanted}")
        tree.put(path, SUBMODULE, wanted)
        return tree.write(lambda type, data: staging.write_blocking(type, len(data), [data]))

    return await repository.look(change)
