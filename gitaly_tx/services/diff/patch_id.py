"""
What a change is, whatever it is applied to.
"""

from __future__ import annotations

from contextlib import aclosing

from protocols.gitaly.diff_pb2 import GetPatchIDRequest, GetPatchIDResponse

from ...errors import Code, GitalyError
from ...git.interfaces import IGit
from ...git.records import pieces, records
from ...storage.interfaces import IStorageProvider
from ..running import Failed, running
from ..validate import given, opened
from .commands import PLAIN, command


async def get_patch_id(git: IGit, storage: IStorageProvider, request: GetPatchIDRequest) -> GetPatchIDResponse:
    """
    The id that ``git patch-id --stable`` gives to the difference of two revisions, which may be files: ``main:some/path``.

    :raises GitalyError: INVALID_ARGUMENT ``empty OldRevision``, ``empty NewRevision``; INTERNAL ``waiting for git-diff: exit
        status 128`` for unknown revisions; FAILED_PRECONDITION ``no difference between old and new revision``.
    """
    repository = await opened(storage, given(request))
    if not request.old_revision:
        raise GitalyError("empty OldRevision", Code.INVALID_ARGUMENT)
    if not request.new_revision:
        raise GitalyError("empty NewRevision", Code.INVALID_ARGUMENT)
    diff = command("diff", ["--full-index", *PLAIN], [request.old_revision, request.new_revision], repository)
    patch_id = command("patch-id", ["--stable"], [], repository)
    with running(git, diff) as differing, running(git, patch_id, pieces(differing)) as identifying:
        async with aclosing(records(identifying)) as lines:
            line = await anext(lines, b"")
            async for _ in lines:
                pass
        ended = await differing.wait()
        if ended.status:
            raise Failed(ended, Code.INTERNAL, "waiting for git-diff: ")
        ended = await identifying.wait()
        if ended.status:
            raise Failed(ended, Code.INTERNAL, "waiting for git-patch-id: ")
    if not line:
        raise GitalyError("no difference between old and new revision", Code.FAILED_PRECONDITION)
    return GetPatchIDResponse(patch_id=line.split(b" ")[0].decode("ascii"))
