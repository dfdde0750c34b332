"""
Does one commit come before another?
"""

from __future__ import annotations

from protocols.gitaly.commit_pb2 import CommitIsAncestorRequest, CommitIsAncestorResponse

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.revisions import find
from ..validate import given, opened
from .ports import CommitPorts


async def commit_is_ancestor(ports: CommitPorts, request: CommitIsAncestorRequest) -> CommitIsAncestorResponse:
    """
    A commit is its own ancestor, and one that does not exist is nobody's.

    :raises GitalyError: INVALID_ARGUMENT ``empty ancestor sha`` or ``empty child sha``; INTERNAL for a name that git could take
        for an option.
    """
    repository = await opened(ports.storage, given(request))
    for name, text in ((request.ancestor_id, "empty ancestor sha"), (request.child_id, "empty child sha")):
        if not name:
            raise GitalyError(text, Code.INVALID_ARGUMENT)
    arguments = [request.ancestor_id, request.child_id]
    command = Command("merge-base", ["--is-ancestor"], arguments, directory=repository.directory)
    if request.ancestor_id == request.child_id:
        same = await find(ports.git, repository, request.child_id.encode("utf-8"), b"commit")
        return CommitIsAncestorResponse(value=same is not None)
    _, ended = await ports.git.run(command, check=False)
    return CommitIsAncestorResponse(value=ended.status == 0)
