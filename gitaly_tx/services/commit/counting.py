"""
How many commits?
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from protocols.gitaly.commit_pb2 import (
    CountCommitsRequest,
    CountCommitsResponse,
    CountDivergingCommitsRequest,
    CountDivergingCommitsResponse,
)

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.names import validate_revision
from ...git.options import Flag, Option
from ...git.revlist import arranged
from ..validate import given, opened
from .newest import says_no_more_than
from .ports import CommitPorts
from .walks import between, revision_options

_WHOLE: Final = frozenset({"repository", "revision", "revisions", "all", "global_options"})
"""What a request may say that wants to know of all commits."""


async def count_commits(ports: CommitPorts, request: CountCommitsRequest) -> CountCommitsResponse:
    """
    The number of commits that a walk finds; none if a revision does not resolve.

    :raises GitalyError: INVALID_ARGUMENT, such as ``empty Revision and false All``.
    """
    repository = await opened(ports.storage, given(request))
    for revision in request.revisions:
        validate_revision(revision, allow_pseudo=True)
    validate_revision(request.revision, allow_empty=True)
    if not (request.revisions or request.revision or request.all):
        raise GitalyError("empty Revision and false All", Code.INVALID_ARGUMENT)
    asked = request.revisions or [b"--all" if request.all else request.revision]
    revisions, stdin = arranged(asked, pseudo_in_stdin=False)
    command = Command(
        "rev-list",
        [*_options(request), *revisions],
        after_separator=[request.path] if request.path else [],
        directory=repository.directory,
        literal_pathspecs=request.global_options.literal_pathspecs,
    )
    output, ended = await ports.git.run(command, stdin=stdin, check=False)
    return CountCommitsResponse(count=int(output) if ended.status == 0 else 0)


def _options(request: CountCommitsRequest) -> Iterator[Option]:
    yield Flag("--count")
    yield from between(
        request.after if request.HasField("after") else None, request.before if request.HasField("before") else None
    )
    if request.max_count:
        yield Flag(f"--max-count={request.max_count}")
    if request.first_parent:
        yield Flag("--first-parent")
    if says_no_more_than(request, _WHOLE):
        # Half the time, or less. git does not see that a bitmap cannot tell dates and first parents.
        yield Flag("--use-bitmap-index")


async def count_diverging_commits(ports: CommitPorts, request: CountDivergingCommitsRequest) -> CountDivergingCommitsResponse:
    """
    How many commits each of two revisions has that the other has not.

    :raises GitalyError: INVALID_ARGUMENT ``from and to are both required``, whatever the repository; INTERNAL if one of them does
        not resolve, in Gitaly's spelling.
    """
    before, after = getattr(request, "from"), request.to
    if not before or not after:
        raise GitalyError("from and to are both required", Code.INVALID_ARGUMENT)
    repository = await opened(ports.storage, given(request))
    for revision in (before, after):
        validate_revision(revision)
    options = [Flag("--count"), Flag("--left-right"), *revision_options([before + b"..." + after])]
    if request.max_count:
        options.insert(0, Flag(f"--max-count={request.max_count}"))
    command = Command("rev-list", options, after_separator=[], directory=repository.directory)
    output, ended = await ports.git.run(command, check=False)
    if ended.status:
        raise GitalyError(f"gi rev-list error: {ended}", Code.INTERNAL, {"stderr": ended.stderr.decode("utf-8", "replace")})
    left, right = map(int, output.split())
    return CountDivergingCommitsResponse(left_count=left, right_count=right)
