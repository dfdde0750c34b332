"""
Words in files.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from protocols.gitaly.repository_pb2 import SearchFilesByContentRequest, SearchFilesByContentResponse

from ...git.command import Command
from ...git.interfaces import IGit
from ...git.options import ValueFlag
from ...git.parse.grep import MatchEnd, Matches
from ...git.records import pieces
from ...storage.interfaces import IStorageProvider
from ..chunked import chunked
from ..validate import given, opened
from .searchchecks import check_query

_OPTIONS = (
    "--ignore-case",
    "-I",
    "--line-number",
    "--null",
    ValueFlag("--before-context", "2"),
    ValueFlag("--after-context", "2"),
    "--perl-regexp",
)


async def search_files_by_content(
    storage: IStorageProvider, git: IGit, request: SearchFilesByContentRequest
) -> AsyncGenerator[SearchFilesByContentResponse, None]:
    """
    ``git grep`` of a whole tree: each match with two lines around it, then a reply that says that it ends.

    Nothing is found for a ref that there is not and for a pattern that PCRE does not take, as with Gitaly.

    :raises GitalyError: INVALID_ARGUMENT for an empty query or ref, and a ref that git could take for an option.
    """
    repository = await opened(storage, given(request))
    check_query(request.query, request.ref)
    command = Command("grep", [*_OPTIONS, ValueFlag("-e", request.query)], [request.ref], directory=repository.directory)
    child = git.spawn(command, stdin=False)
    machine = Matches()
    async with aclosing(pieces(child)) as output:
        async for data in output:
            for event in machine.receive(data):
                for reply in _replies(event):
                    yield reply
            if machine.stopped:
                break
    for event in machine.end():
        for reply in _replies(event):
            yield reply
    await child.wait()


def _replies(event: bytes | MatchEnd) -> list[SearchFilesByContentResponse]:
    if isinstance(event, MatchEnd):
        return [SearchFilesByContentResponse(end_of_match=True)]
    return [SearchFilesByContentResponse(match_data=chunk) for chunk in chunked(event)]
