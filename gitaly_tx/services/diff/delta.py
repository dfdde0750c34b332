"""
Which files differ between two commits.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Final

from protocols.gitaly.diff_pb2 import CommitDelta, CommitDeltaRequest, CommitDeltaResponse

from ...errors import Code, GitalyError
from ...git.interfaces import IGit
from ...git.parse.rawdiff import Change, RawDecoder
from ...git.records import batches
from ...storage.interfaces import IStorageProvider
from ..running import Failed, running
from .commands import diff
from .sides import opened_with_sides

MESSAGE: Final = 5120
"""A message is sent when what is in it weighs more, in bytes."""


async def commit_delta(
    git: IGit, storage: IStorageProvider, request: CommitDeltaRequest
) -> AsyncGenerator[CommitDeltaResponse, None]:
    """
    The files in git's order, several in a message. A change of type comes as a deletion and an addition.

    :raises GitalyError: as :func:`~gitaly_tx.services.diff.sides.opened_with_sides`; FAILED_PRECONDITION ``exit status 128`` for
        unknown commits.
    """
    repository = await opened_with_sides(storage, request)
    options = ["--raw", "-z", "--no-abbrev", "--find-renames"]
    raw = diff(options, [request.left_commit_id, request.right_commit_id], repository, request.paths)
    decoder = RawDecoder()
    deltas: list[CommitDelta] = []
    weight = 0
    with running(git, raw) as child:
        async with aclosing(batches(child, b"\0")) as parts:
            async for records in parts:
                for change in _changes(decoder, records):
                    deltas.append(_message(change))
                    weight += 2 * len(change.old_id) + 8 + len(change.old_path) + len(change.path)
                    if weight > MESSAGE:
                        yield CommitDeltaResponse(deltas=deltas)
                        deltas, weight = [], 0
        ended = await child.wait()
    if ended.status:
        raise Failed(ended, Code.FAILED_PRECONDITION)
    if deltas:
        yield CommitDeltaResponse(deltas=deltas)


def _changes(decoder: RawDecoder, records: Iterable[bytes]) -> list[Change]:
    try:
        return [half for change in decoder.feed(records) for half in change.halves()]
    except ValueError as error:
        raise GitalyError(f"parse failure: {error}", Code.INTERNAL) from error


def _message(change: Change) -> CommitDelta:
    return CommitDelta(
        from_path=change.old_path,
        to_path=change.path,
        from_id=change.old_id.decode("ascii"),
        to_id=change.new_id.decode("ascii"),
        old_mode=change.old_mode,
        new_mode=change.new_mode,
    )
