"""
Commits as ``git log`` finds them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from typing import Final

from protocols.gitaly.commit_pb2 import (
    CommitsByMessageRequest,
    CommitsByMessageResponse,
    FindAllCommitsRequest,
    FindAllCommitsResponse,
    FindCommitsRequest,
    FindCommitsResponse,
)
from protocols.gitaly.shared_pb2 import GitCommit

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import IObjects
from ...git.names import validate_revision
from ...git.objectid import ObjectID
from ...git.options import Flag, Option
from ...git.parse.log import LogEntry, LogParser
from ...git.parse.mailmap import Mailmap
from ...git.peeling import read
from ...storage.interfaces import IRepository
from ..defaultbranch import default_branch, has_branches
from ..validate import given, opened
from ..wire import commit_message
from .newest import newest_commits, says_no_more_than
from .ports import CommitPorts
from .replies import commits, found, in_replies
from .walks import UNMAPPED, between, lines, revision_options, whatever_comes

_IDS: Final = Flag("--format=%H")
_TOPO: Final = Flag("--topo-order")
_DATE: Final = Flag("--date-order")
_PLAIN: Final = frozenset({"repository", "revision", "limit", "offset", "first_parent", "trailers", "global_options"})
_PLAIN_HISTORY: Final = frozenset({"repository", "revision", "max_count", "skip"})
"""What requests of the two kinds may say without a git being needed."""


async def find_all_commits(ports: CommitPorts, request: FindAllCommitsRequest) -> AsyncIterator[FindAllCommitsResponse]:
    """
    The history of a revision, or of all branches; of HEAD where there are none, because git takes that then.

    :raises GitalyError: INVALID_ARGUMENT for what cannot be a revision. One that stands for nothing has no history.
    """
    repository = await opened(ports.storage, given(request))
    validate_revision(request.revision, allow_empty=True)
    if request.revision and says_no_more_than(request, _PLAIN_HISTORY):
        few = await newest_commits(ports, repository, [request.revision], max(0, request.skip), request.max_count)
        if few is not None:
            for several in in_replies(few):
                yield FindAllCommitsResponse(commits=several)
            return
    options: list[Option] = [_IDS, UNMAPPED]
    if request.max_count > 0:
        options.append(Flag(f"--max-count={request.max_count}"))
    if request.skip > 0:
        options.append(Flag(f"--skip={request.skip}"))
    if request.order == FindAllCommitsRequest.TOPO:
        options.append(_TOPO)
    elif request.order == FindAllCommitsRequest.DATE:
        options.append(_DATE)
    revision = request.revision or (b"--branches" if await has_branches(repository) else b"HEAD")
    options.extend(revision_options([revision]))
    async with aclosing(_logged(ports, repository, options)) as batches:
        async for batch in batches:
            yield FindAllCommitsResponse(commits=batch)


async def commits_by_message(ports: CommitPorts, request: CommitsByMessageRequest) -> AsyncIterator[CommitsByMessageResponse]:
    """
    Commits whose message matches a basic regular expression, whatever its case.

    :raises GitalyError: INVALID_ARGUMENT, such as ``empty Query``.
    """
    repository = await opened(ports.storage, given(request))
    validate_revision(request.revision, allow_empty=True)
    if not request.query:
        raise GitalyError("empty Query", Code.INVALID_ARGUMENT)
    options: list[Option] = [_IDS, UNMAPPED, Flag("--grep=" + request.query), Flag("--regexp-ignore-case")]
    if request.offset > 0:
        options.append(Flag(f"--skip={request.offset}"))
    if request.limit > 0:
        options.append(Flag(f"--max-count={request.limit}"))
    revision = request.revision or await default_branch(repository)
    if not revision:
        return
    options.extend(revision_options([revision]))
    paths = [request.path] if request.path else []
    async with aclosing(_logged(ports, repository, options, paths, request.global_options.literal_pathspecs)) as batches:
        async for batch in batches:
            yield CommitsByMessageResponse(commits=batch)


async def find_commits(ports: CommitPorts, request: FindCommitsRequest) -> AsyncIterator[FindCommitsResponse]:
    """
    The history of a revision, of the default branch or of everything, with what the request wants of it.

    :raises GitalyError: INVALID_ARGUMENT, such as ``path is empty string``. A revision that stands for nothing has no history.
    """
    repository = await opened(ports.storage, given(request))
    validate_revision(request.revision, allow_empty=True)
    if not all(request.paths):
        raise GitalyError("path is empty string", Code.INVALID_ARGUMENT)
    revision = request.revision or (b"" if request.all else await default_branch(repository))
    if not (revision or request.all):
        return
    if says_no_more_than(request, _PLAIN):
        few = await newest_commits(
            ports,
            repository,
            [revision],
            max(0, request.offset),
            request.limit,
            first_parent=request.first_parent,
            with_trailers=request.trailers,
        )
        if few is not None:
            for batch in in_replies(few):
                yield FindCommitsResponse(commits=batch)
            return
    command = Command(
        "log",
        [*_find_options(request), *revision_options([revision] if revision else [])],
        after_separator=list(request.paths),
        directory=repository.directory,
        literal_pathspecs=request.global_options.literal_pathspecs,
    )
    skip = request.offset if _follows(request) else 0
    entries = _entries(whatever_comes(lines(ports.git, command)), max(0, skip))

    def make(objects: IObjects, entry: LogEntry, mailmap: Mailmap) -> GitCommit:
        message = commit_message(read(objects, ObjectID(entry.oid)), mailmap, with_trailers=request.trailers)
        if entry.stat is not None:
            message.short_stats.changed_files, message.short_stats.additions, message.short_stats.deletions = entry.stat
        message.referenced_by.extend(entry.decorations)
        return message

    async with aclosing(found(ports, repository, entries, make)) as batches:
        async for several in batches:
            yield FindCommitsResponse(commits=[commit for _, commit in several])


def _follows(request: FindCommitsRequest) -> bool:
    return request.follow and bool(request.paths)


def _find_options(request: FindCommitsRequest) -> Iterator[Option]:
    yield Flag("--format=%H %D") if request.include_referenced_by else _IDS
    offset = max(0, request.offset)
    if _follows(request):
        # git counts what it skips before it follows a rename.
        yield Flag("--follow")
        yield Flag(f"--max-count={request.limit + offset if request.limit > 0 else request.limit}")
    else:
        if offset:
            yield Flag(f"--skip={offset}")
        yield Flag(f"--max-count={request.limit}")
    for wanted, name in (
        (request.order == FindCommitsRequest.TOPO, "--topo-order"),
        (request.skip_merges, "--no-merges"),
        (request.first_parent, "--first-parent"),
        (request.include_shortstat, "--shortstat"),
        (request.message_regex, "--regexp-ignore-case"),
        (request.message_regex, f"--grep={request.message_regex}"),
        (request.include_referenced_by, "--decorate=full"),
    ):
        if wanted:
            yield Flag(name)
    yield Flag(b"--author=" + request.author) if request.author else UNMAPPED
    yield from between(
        request.after if request.HasField("after") else None, request.before if request.HasField("before") else None
    )
    for pattern in request.include_referenced_by:
        yield Flag(b"--decorate-refs=" + pattern)
    if request.all:
        yield Flag("--all")
        yield Flag("--reverse")


async def _entries(source: AsyncGenerator[list[bytes], None], skip: int) -> AsyncGenerator[list[LogEntry], None]:
    parser = LogParser()
    async with aclosing(source):
        async for batch in source:
            entries = [entry for line in batch if (entry := parser.line(line)) is not None]
            dropped = min(skip, len(entries))
            skip -= dropped
            if entries[dropped:]:
                yield entries[dropped:]
    last = parser.end()
    if last is not None and not skip:
        yield [last]


async def _logged(
    ports: CommitPorts, repository: IRepository, options: list[Option], paths: Sequence[bytes] = (), literal: bool = False
) -> AsyncGenerator[list[GitCommit], None]:
    """
    The commits that ``git log`` prints the ids of.
    """
    command = Command("log", options, after_separator=paths, directory=repository.directory, literal_pathspecs=literal)
    async with aclosing(commits(ports, repository, whatever_comes(lines(ports.git, command)))) as batches:
        async for batch in batches:
            yield batch
