"""
The commit that histories have in common.
"""

from __future__ import annotations

from protocols.gitaly.repository_pb2 import FindMergeBaseRequest, FindMergeBaseResponse

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import IGit
from ...storage.interfaces import IStorageProvider
from ..validate import given, opened


async def find_merge_base(storage: IStorageProvider, git: IGit, request: FindMergeBaseRequest) -> FindMergeBaseResponse:
    """
    The first that ``git merge-base`` finds; empty if there is none, or one of the revisions is unknown.

    :raises GitalyError: INVALID_ARGUMENT for fewer than two revisions; INTERNAL ``cmd: …`` for one that git could take for an
        option.
    """
    repository = await opened(storage, given(request))
    if len(request.revisions) < 2:
        raise GitalyError("at least 2 revisions are required", Code.INVALID_ARGUMENT)
    try:
        command = Command("merge-base", arguments=request.revisions, directory=repository.directory)
    except GitalyError as error:
        raise error.wrapped("cmd", Code.INTERNAL) from error
    output, _ = await git.run(command, check=False)
    return FindMergeBaseResponse(base=output.partition(b"\n")[0].decode("ascii", "replace"))
