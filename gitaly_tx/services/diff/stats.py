"""
How many lines of each file differ between two commits.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Final

from protocols.gitaly.diff_pb2 import DiffStats, DiffStatsRequest, DiffStatsResponse

from ...errors import Code, GitalyError
from ...git.interfaces import IGit
from ...git.parse.numstat import Counts, NumstatDecoder
from ...git.records import batches
from ...storage.interfaces import IStorageProvider
from ..running import Failed, running
from .commands import diff
from .sides import opened_with_sides

MESSAGE: Final = 1000
"""Files in one message."""


async def diff_stats(git: IGit, storage: IStorageProvider, request: DiffStatsRequest) -> AsyncGenerator[DiffStatsResponse, None]:
    """
    The files in git's order; binary ones have no lines, and only renamed ones an old path.

    :raises GitalyError: as :func:`~gitaly_tx.services.diff.sides.opened_with_sides`; FAILED_PRECONDITION ``exit status 128`` for
        unknown commits.
    """
    repository = await opened_with_sides(storage, request)
    options = ["--numstat", "-z", "--find-renames"]
    numstat = diff(options, [request.left_commit_id, request.right_commit_id], repository)
    decoder = NumstatDecoder()
    stats: list[DiffStats] = []
    with running(git, numstat) as child:
        async with aclosing(batches(child, b"\0")) as parts:
            async for records in parts:
                for counts in _decoded(decoder, records):
                    stats.append(_message(counts))
                    if len(stats) == MESSAGE:
                        yield DiffStatsResponse(stats=stats)
                        stats = []
        ended = await child.wait()
    if ended.status:
        raise Failed(ended, Code.FAILED_PRECONDITION)
    if stats:
        yield DiffStatsResponse(stats=stats)


def _decoded(decoder: NumstatDecoder, records: Iterable[bytes]) -> list[Counts]:
    try:
        return list(decoder.feed(records))
    except ValueError as error:
        raise GitalyError(f"parse failure: {error}", Code.INTERNAL) from error


def _message(counts: Counts) -> DiffStats:
    return DiffStats(path=counts.path, old_path=counts.old_path, additions=counts.added, deletions=counts.removed)
