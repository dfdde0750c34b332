"""
Patches that came by mail.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

from attrs import frozen

from protocols.gitaly.operations_pb2 import OperationBranchUpdate, UserApplyPatchRequest, UserApplyPatchResponse

from ...errors import Code, GitalyError
from ...git import peeling
from ...git.command import Command
from ...git.commits import Ident
from ...git.interfaces import RefUpdate
from ...git.objectid import ObjectID
from ...git.quoting import quoted
from ...git.worktree import WorkTree
from ...hooks.updateref import AccessError, HookError, UpdateError, Writer
from ...rpc.call import Call
from ...storage.errors import StagingFailed
from ...storage.interfaces import IRepository, IStaging
from ..defaultbranch import BRANCHES, default_branch
from ..identity import signature
from ..running import running
from ..spool import Spool
from ..validate import given, object_id, opened
from .ports import OperationPorts
from .quarantine import quarantine
from .refusals import invalid, shown

Header = UserApplyPatchRequest.Header

_FAILED: Final = b"Patch failed at"

_ADVICE: Final = """
When you have resolved this problem, run "git am --continue".
If you prefer to skip this patch, run "git am --skip" instead.
To restore the original branch and stop patching, run "git am --abort".
"""
"""What git says of a patch that it could not apply; newer versions say it on another stream."""

_OUTPUT: Final = 64 << 10


@frozen
class Base:
    """
    What patches are applied to.

    :param created: the branch does not exist yet, and this is what another one is at.
    """

    commit: ObjectID
    created: bool


class _DoesNotApply(GitalyError):
    """
    :param line: which patch it was, in git's words.
    """

    def __init__(self, line: bytes) -> None:
        super().__init__(f"{shown(line)}{_ADVICE}", Code.FAILED_PRECONDITION)


async def user_apply_patch(
    ports: OperationPorts, call: Call, requests: AsyncIterator[UserApplyPatchRequest]
) -> UserApplyPatchResponse:
    """
    Apply a mailbox of patches to a branch, one commit for each. A branch that does not exist begins at the default branch.

    :raises GitalyError: FAILED_PRECONDITION with git's words for a patch that does not apply; INTERNAL for all else.
    """
    header = await _header(requests)
    repository = await opened(ports.storage, given(header))
    if not header.HasField("user"):
        raise invalid("missing User")
    if not header.target_branch:
        raise invalid("missing Branch")
    name = BRANCHES + header.target_branch
    base = await _base(repository, name)
    committer = await signature(ports.in_thread, ports.now, header)
    spool = Spool(ports.in_thread)
    async with quarantine(repository) as staging:
        try:
            async for request in requests:
                await spool.append(request.patches)
            commit = await _applied(ports, staging, base.commit, committer, spool)
        finally:
            await spool.close()
        old = await _old(repository, header.expected_old_oid)
        if old is None:
            old = repository.object_format.zero if base.created else base.commit
        await _update(ports, call, header, repository, staging, RefUpdate(name, old, commit))
    return UserApplyPatchResponse(branch_update=OperationBranchUpdate(commit_id=str(commit), branch_created=base.created))


async def _header(requests: AsyncIterator[UserApplyPatchRequest]) -> Header:
    async for request in requests:
        if request.WhichOneof("user_apply_patch_request_payload") != "header":
            break
        return request.header
    else:
        raise GitalyError("EOF", Code.INTERNAL)
    raise invalid("empty UserApplyPatch_Header")


async def _base(repository: IRepository, name: bytes) -> Base:
    found = await repository.ref(name)
    if found is not None:
        return Base(found.target, False)
    default = await default_branch(repository)
    head = await repository.ref(default) if default else None
    if head is None:
        raise GitalyError("no default branch", Code.INTERNAL)
    return Base(head.target, True)


async def _applied(ports: OperationPorts, staging: IStaging, base: ObjectID, committer: Ident, spool: Spool) -> ObjectID:
    """
    Most patches apply to files that are taken out of the index one by one. For a merge git wants them all there, which is much
    work for a large repository; so that is tried only if it could help.

    :returns: the last commit.
    """
    if b"\0" in committer.name + committer.email:
        raise invalid("identity contains NUL byte")
    try:
        return await _attempted(ports, staging, base, committer, spool, whole=False)
    except _DoesNotApply:
        return await _attempted(ports, staging, base, committer, spool, whole=True)


async def _attempted(
    ports: OperationPorts, staging: IStaging, base: ObjectID, committer: Ident, spool: Spool, whole: bool
) -> ObjectID:
    """
    :param whole: all files are in the work tree.
    """
    scratch = await staging.scratch()
    try:
        tree = await ports.in_thread(WorkTree.make, scratch, staging.directory, base)
    except OSError as error:
        raise StagingFailed(error) from error
    environment = tree.environment()
    options = ["--reset", "-u"] if whole else []
    try:
        await ports.git.run(Command("read-tree", options, [base], directory=tree.directory), environment=environment)
    except GitalyError as error:
        raise error.wrapped("apply patch") from error
    environment |= {
        "GIT_COMMITTER_NAME": os.fsdecode(committer.name),
        "GIT_COMMITTER_EMAIL": os.fsdecode(committer.email),
        "GIT_COMMITTER_DATE": f"@{committer.seconds} {committer.zone.decode('ascii')}",
    }
    command = Command("am", ["--quiet", "--3way"], directory=tree.directory, environment=environment)
    output = b""
    async with aclosing(spool.pieces()) as pieces:
        with running(ports.git, command, pieces) as child:
            while data := await child.stdout.read():
                output = (output + data)[:_OUTPUT]
            ended = await child.wait()
    if not ended.status:
        return await ports.in_thread(tree.head)
    if output.startswith(_FAILED):
        raise _DoesNotApply(output.partition(b"\n")[0])
    said = ended.stderr.replace(os.fsencode(scratch), b"")
    raise GitalyError(f"apply patch: {ended}, stderr: {quoted(said)}", Code.INTERNAL)


async def _old(repository: IRepository, text: str) -> ObjectID | None:
    """
    What the caller believes the branch to be, if they say it.
    """
    if not text:
        return None
    try:
        oid = object_id(text, repository.object_format)
    except GitalyError as error:
        raise GitalyError(f"expected old object id not expected SHA format: {error.message}", Code.INTERNAL) from error
    if await repository.look(lambda objects: peeling.info(objects, oid)) is None:
        raise GitalyError("expected old object cannot be resolved: reference not found", Code.INTERNAL)
    return oid


async def _update(
    ports: OperationPorts, call: Call, header: Header, repository: IRepository, staging: IStaging, update: RefUpdate
) -> None:
    writer = Writer.of(header.user, header.repository, call.correlation_id)
    try:
        await ports.updater.update(repository, writer, [update], staging, made=True)
    except (HookError, AccessError) as error:
        raise GitalyError(f"update reference: {error.chain}", Code.INTERNAL) from error
    except UpdateError as error:
        raise GitalyError(f"update reference: {error.text}", Code.INTERNAL) from error
    except GitalyError as error:
        raise error.wrapped("update reference") from error
