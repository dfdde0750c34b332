"""
Two commits compared file by file, with as much of the patches as the caller wants.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from protocols.gitaly.diff_pb2 import CommitDiffRequest, CommitDiffResponse

from ...git.interfaces import IGit
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread
from ..running import running
from .commands import diff
from .files import DiffReader, FileDiff
from .limits import Budget, Verdict, limits_of
from .sides import opened_with_sides

MESSAGE: Final = 5120
"""Bytes of a patch that one message carries: Gitaly's limit."""

_WHITESPACE: Final = {
    CommitDiffRequest.WHITESPACE_CHANGES_IGNORE: "--ignore-space-change",
    CommitDiffRequest.WHITESPACE_CHANGES_IGNORE_ALL: "--ignore-all-space",
}


async def commit_diff(
    git: IGit, storage: IStorageProvider, in_thread: InThread, request: CommitDiffRequest
) -> AsyncGenerator[CommitDiffResponse, None]:
    """
    A message for each file, or several for a file with a long patch: only the first has the other fields, only the last
    ``end_of_patch``. A change of type comes as a deletion and an addition.

    :raises GitalyError: as :func:`~gitaly_tx.services.diff.sides.opened_with_sides`; FAILED_PRECONDITION ``exit status 128`` for
        unknown commits; INTERNAL ``parse failure: …``.
    """
    repository = await opened_with_sides(storage, request)
    options = ["--patch", "--raw", "-z", "--no-abbrev", "--full-index", "--find-renames=30%"]
    if request.whitespace_changes in _WHITESPACE:
        options.append(_WHITESPACE[request.whitespace_changes])
    if request.diff_mode == CommitDiffRequest.WORDDIFF:
        options.append("--word-diff=porcelain")
    patches = diff(options, [request.left_commit_id, request.right_commit_id], repository, request.paths)
    budget = Budget(limits_of(request))
    reader = DiffReader(in_thread, budget.may_keep, budget.begin)
    with running(git, patches) as child:
        async with aclosing(reader.files(child)) as files:
            async for file in files:
                try:
                    verdict = Verdict() if file.missing else budget.judge(file)
                    if verdict.overflow and not request.collect_all_paths:
                        yield CommitDiffResponse(overflow_marker=True, end_of_patch=True)
                        return
                    message = _message(file, verdict)
                    whole = file.held(MESSAGE) if verdict.keeps_patch else b""
                    if whole is not None:
                        message.raw_patch_data = whole
                        message.end_of_patch = True
                        yield message
                        continue
                    async with aclosing(file.parts(MESSAGE)) as parts:
                        async for message.raw_patch_data, message.end_of_patch in parts:
                            yield message
                            message = CommitDiffResponse()
                finally:
                    await file.drop()


def _message(file: FileDiff, verdict: Verdict) -> CommitDiffResponse:
    change = file.change
    return CommitDiffResponse(
        from_path=change.old_path,
        to_path=change.path,
        from_id=change.old_id.decode("ascii"),
        to_id=change.new_id.decode("ascii"),
        old_mode=change.old_mode,
        new_mode=change.new_mode,
        binary=file.binary,
        overflow_marker=verdict.overflow,
        collapsed=verdict.collapsed,
        too_large=verdict.too_large,
        lines_added=file.added,
        lines_removed=file.removed,
    )
