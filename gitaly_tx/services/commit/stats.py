"""
How much did a commit change?
"""

from __future__ import annotations

from contextlib import aclosing

from protocols.gitaly.commit_pb2 import CommitStatsRequest, CommitStatsResponse

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.names import validate_revision
from ...git.options import Flag
from ...git.parse import commit as commits
from ...git.parse.numstat import NumstatDecoder
from ...git.peeling import EMPTY_TREES
from ...git.revisions import find
from ..validate import given, opened
from .ports import CommitPorts
from .walks import WalkEnded, lines


async def commit_stats(ports: CommitPorts, request: CommitStatsRequest) -> CommitStatsResponse:
    """
    Files and lines, compared with the first parent, or with nothing for a commit without one.

    :raises GitalyError: INTERNAL ``object not found`` if the revision stands for no commit.
    """
    repository = await opened(ports.storage, given(request))
    validate_revision(request.revision)
    commit = await find(ports.git, repository, request.revision, b"commit")
    if commit is None:
        raise GitalyError("object not found", Code.INTERNAL, {"revision": request.revision})
    parents = commits.commit(commit.data).parents
    nothing = next(oid for oid in EMPTY_TREES if len(oid) == len(commit.oid))
    command = Command(
        "diff",
        [Flag("--numstat"), Flag("-z"), Flag("--no-ext-diff"), Flag("--no-textconv")],
        [parents[0] if parents else nothing, commit.oid],
        directory=repository.directory,
    )
    reply = CommitStatsResponse(oid=str(commit.oid))
    decoder = NumstatDecoder()
    try:
        async with aclosing(lines(ports.git, command, b"\0")) as batches:
            async for batch in batches:
                for counts in decoder.feed(batch):
                    reply.files += 1
                    reply.additions += counts.added
                    reply.deletions += counts.removed
    except WalkEnded as error:
        raise GitalyError(str(error), Code.INTERNAL, {"stderr": error.ended.stderr.decode("utf-8", "replace")}) from error
    return reply
