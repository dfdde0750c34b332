"""
Files by their names.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from protocols.gitaly.repository_pb2 import SearchFilesByNameRequest, SearchFilesByNameResponse

from ...errors import Code, GitalyError
from ...git.command import Command
from ...git.interfaces import IGit
from ...git.records import batches
from ...rpc.chunks import batched_stream
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread
from ..validate import given, opened
from .patterns import Pattern, compiled
from .searchchecks import check_query

LONGEST_FILTER = 1000
"""Bytes of a filter; Gitaly's limit."""


async def search_files_by_name(
    storage: IStorageProvider, git: IGit, in_thread: InThread, request: SearchFilesByNameRequest
) -> AsyncGenerator[SearchFilesByNameResponse, None]:
    """
    The files at or below a path, by ``git ls-tree -r``; with a filter, those whose path matches it. At least one reply, also for
    an unknown ref; more than one only where the list is too long for one.

    :raises GitalyError: INVALID_ARGUMENT for an empty query or ref, and for a filter that is too long or no regular expression.
    """
    repository = await opened(storage, given(request))
    check_query(request.query, request.ref)
    if len(request.filter.encode("utf-8")) > LONGEST_FILTER:
        raise GitalyError("filter exceeds maximum length", Code.INVALID_ARGUMENT)
    pattern = compiled(request.filter.encode("utf-8")) if request.filter else None
    command = Command(
        "ls-tree",
        ["--full-tree", "--name-only", "-r", "-z"],
        [request.ref],
        after_separator=[request.query],
        directory=repository.directory,
    )
    replied = False
    names = _window(_matching(git, in_thread, command, pattern), request.offset, request.limit)
    async with aclosing(names):
        async for files in batched_stream(names, lambda name: len(name) + 4):
            replied = True
            yield SearchFilesByNameResponse(files=files)
    if not replied:
        yield SearchFilesByNameResponse()


async def _matching(
    git: IGit, in_thread: InThread, command: Command, pattern: Pattern | None
) -> AsyncGenerator[Sequence[bytes], None]:
    child = git.spawn(command, stdin=False)
    async with aclosing(batches(child, b"\0")) as output:
        async for names in output:
            # Linear, but a caller's pattern is not the reactor's work.
            yield names if pattern is None else await in_thread(pattern.select, names)
    await child.wait()


async def _window(found: AsyncGenerator[Sequence[bytes], None], offset: int, limit: int) -> AsyncGenerator[bytes, None]:
    """
    :param limit: 0 for all.
    """
    sent = 0
    async with aclosing(found):
        async for names in found:
            for name in names[offset:]:
                yield name
                sent += 1
                if sent == limit:
                    return
            offset = max(0, offset - len(names))
