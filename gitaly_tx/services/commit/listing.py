"""
Commits in lists: those that a walk finds, and all that there are.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from typing import Final

from protocols.gitaly.commit_pb2 import (
    ListAllCommitsRequest,
    ListAllCommitsResponse,
    ListCommitsRequest,
    ListCommitsResponse,
)
from protocols.gitaly.shared_pb2 import PaginationParameter

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.names import validate_revision
from ...git.options import Flag
from ...git.quoting import quoted
from ...git.revlist import WalkFailed, walked
from ...storage.interfaces import IRepository
from ..validate import given, opened
from .newest import newest_commits, says_no_more_than
from .ports import CommitPorts
from .replies import commits, in_replies
from .walks import WalkEnded, lines

_PLAIN: Final = frozenset({"repository", "revisions", "pagination_params", "skip", "first_parent"})
"""What a request may say without a git being needed."""


async def list_commits(ports: CommitPorts, request: ListCommitsRequest) -> AsyncIterator[ListCommitsResponse]:
    """
    The commits that ``git rev-list`` finds, from the page token's on.

    :raises GitalyError: INVALID_ARGUMENT ``missing revisions`` or ``invalid revision: …``; INTERNAL with what git says if a
        revision does not resolve.
    """
    repository = await opened(ports.storage, given(request))
    if not request.revisions:
        raise GitalyError("missing revisions", Code.INVALID_ARGUMENT)
    revisions = [revision.encode("utf-8") for revision in request.revisions]
    for revision in revisions:
        try:
            validate_revision(revision, allow_pseudo=True)
        except GitalyError as error:
            raise error.wrapped("invalid revision") from error
    few = await _first_page(ports, repository, request, revisions)
    if few is not None:
        for reply in few:
            yield reply
        return
    walk = walked(ports.git, repository.directory, list(_options(request)), revisions, request.paths)
    page = Page(request.pagination_params)
    last: ListCommitsResponse | None = None
    try:
        async with aclosing(commits(ports, repository, page.cut(walk))) as batches:
            async for batch in batches:
                if last is not None:
                    yield last
                last = ListCommitsResponse(commits=batch)
    except WalkFailed as error:
        raise error.wrapped("iterating objects") from error
    if last is not None:
        if page.next:
            last.pagination_cursor.next_cursor = page.next
        yield last


async def _first_page(
    ports: CommitPorts, repository: IRepository, request: ListCommitsRequest, revisions: Sequence[bytes]
) -> list[ListCommitsResponse] | None:
    """
    The answer to a request for the first few commits; ``None`` if that takes a git.
    """
    limit = request.pagination_params.limit
    if limit <= 0 or request.pagination_params.page_token or not says_no_more_than(request, _PLAIN):
        return None
    # One more tells whether there is a next page.
    found = await newest_commits(ports, repository, revisions, request.skip, limit + 1, first_parent=request.first_parent)
    if found is None:
        return None
    replies = [ListCommitsResponse(commits=batch) for batch in in_replies(found[:limit])]
    if len(found) > limit:
        replies[-1].pagination_cursor.next_cursor = found[limit - 1].id
    return replies


def _options(request: ListCommitsRequest) -> Iterator[str | bytes]:
    for wanted, name in (
        (request.order == ListCommitsRequest.TOPO, "--topo-order"),
        (request.order == ListCommitsRequest.DATE, "--date-order"),
        (request.reverse, "--reverse"),
        (request.max_parents, f"--max-parents={request.max_parents}"),
        (request.disable_walk, "--no-walk"),
        (request.first_parent, "--first-parent"),
        (request.skip, f"--skip={request.skip}"),
        (request.ignore_case, "--regexp-ignore-case"),
        (request.HasField("after"), f"--max-age={request.after.seconds}"),
        (request.HasField("before"), f"--min-age={request.before.seconds}"),
    ):
        if wanted:
            yield name
    parameters = request.pagination_params
    if parameters.limit > 0 and not parameters.page_token and not request.reverse:
        # One more tells whether there is a next page. Backwards, git would count before it turns the list round.
        yield f"--max-count={parameters.limit + 1}"
    if request.author:
        yield b"--author=" + request.author
    for pattern in request.commit_message_patterns:
        yield b"--grep=" + pattern


async def list_all_commits(ports: CommitPorts, request: ListAllCommitsRequest) -> AsyncIterator[ListAllCommitsResponse]:
    """
    All commits in the object database, reachable or not, in the order in which they lie there.
    """
    repository = await opened(ports.storage, given(request))
    options = [
        Flag("--batch-all-objects"),
        Flag("--batch-check=%(objectname) %(objecttype)"),
        Flag("--buffer"),
        Flag("--unordered"),
    ]
    command = Command("cat-file", options, directory=repository.directory)
    page = Page(request.pagination_params)
    try:
        async with aclosing(commits(ports, repository, page.cut(lines(ports.git, command)))) as batches:
            async for batch in batches:
                yield ListAllCommitsResponse(commits=batch)
    except WalkEnded as error:
        text = f"iterating objects: cat-file pipeline command: {error.ended}, stderr: {quoted(error.ended.stderr)}"
        raise GitalyError(text, Code.INTERNAL) from error


class Page:
    """
    What of a listing is wanted.

    :param parameters: the id after which it begins, and how many commits; no positive number is no limit.
    :ivar next: the token of the next page, once the listing was cut; empty if this was the last.
    """

    def __init__(self, parameters: PaginationParameter) -> None:
        self._token = parameters.page_token.encode("utf-8")
        self._limit = max(0, parameters.limit)
        self.next = ""

    async def cut(self, source: AsyncGenerator[list[bytes], None]) -> AsyncGenerator[list[bytes], None]:
        """
        :param source: lines that begin with an id. Where a type follows, only commits are taken; a token may be any object's id.
        """
        waiting = bool(self._token)
        left = self._limit
        last = b""
        async with aclosing(source):
            async for batch in source:
                found = []
                for line in batch:
                    oid, _, type = line.partition(b" ")
                    if waiting:
                        waiting = oid != self._token
                    elif type in (b"", b"commit"):
                        if self._limit and not left:
                            self.next = last.decode("ascii")
                            break
                        found.append(oid)
                        last = oid
                        left -= 1
                if found:
                    yield found
                if self.next:
                    return
