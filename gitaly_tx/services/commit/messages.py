"""
Whole commit messages.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from protocols.gitaly.commit_pb2 import GetCommitMessagesRequest, GetCommitMessagesResponse

from ...errors import Code, GitalyError
from ...git.parse import commit as commits
from ...git.revisions import find
from ...rpc.chunks import cut
from ..validate import given, opened
from .ports import CommitPorts


async def get_commit_messages(ports: CommitPorts, request: GetCommitMessagesRequest) -> AsyncIterator[GetCommitMessagesResponse]:
    """
    For each commit its id as it was asked for, then its message, as it is and however long it is.

    :raises GitalyError: INTERNAL ``failed to get commit message: object not found``, after what was found before.
    """
    repository = await opened(ports.storage, given(request))
    for commit_id in request.commit_ids:
        commit = await find(ports.git, repository, commit_id.encode("utf-8"), b"commit")
        if commit is None:
            raise GitalyError("failed to get commit message: object not found", Code.INTERNAL, {"oid": commit_id})
        yield GetCommitMessagesResponse(commit_id=commit_id)
        for data in cut(commits.commit(commit.data).message):
            yield GetCommitMessagesResponse(message=data)
