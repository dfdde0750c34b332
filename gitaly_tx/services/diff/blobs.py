"""
Pairs of blobs compared.

git compares one pair of blobs at a time, and only those that exist. So that one git does it for all of them, both sides of all
pairs become trees of a quarantine, in which the files are numbered, and these are compared.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from typing import Final

from attrs import evolve

from protocols.gitaly.diff_pb2 import DiffBlobsRequest, DiffBlobsResponse

from ...errors import Code
from ...git.interfaces import IGit
from ...git.objectid import ObjectFormat
from ...git.parse.patch import quoted_path
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread
from ..running import Failed, running
from ..validate import given, opened
from .commands import diff
from .files import DiffReader, FileDiff
from .pairs import Pair, Side, pairs_of

MESSAGE: Final = 5120
"""Bytes of a patch that one message carries."""

_DIGITS: Final = 8

_NAME: Final = 128
"""Bytes of a file's name in a tree, besides its number."""

_WHITESPACE: Final = {
    DiffBlobsRequest.WHITESPACE_CHANGES_IGNORE: "--ignore-space-change",
    DiffBlobsRequest.WHITESPACE_CHANGES_IGNORE_ALL: "--ignore-all-space",
}


async def diff_blobs(
    git: IGit, storage: IStorageProvider, in_thread: InThread, request: DiffBlobsRequest
) -> AsyncGenerator[DiffBlobsResponse, None]:
    """
    A message for each pair, in their order, or several for a pair with a long patch: only the first has the other fields, only
    the last ``STATUS_END_OF_PATCH``. Identical blobs have an empty patch; a change of type comes as a deletion and an addition.

    :raises GitalyError: as :func:`~gitaly_tx.services.diff.pairs.pairs_of`; INTERNAL ``waiting for git-diff: exit status 128`` if
        an id of raw info is none of a blob that is there.
    """
    repository = await opened(storage, given(request))
    pairs = await pairs_of(git, repository, request)
    sent = 0
    if not all(pair.identical for pair in pairs):
        staging = await repository.stage()
        try:
            trees = [
                await staging.write_object(b"tree", _tree(pairs, [getattr(pair, side) for pair in pairs]))
                for side in ("left", "right")
            ]
            options = ["--patch", "--raw", "-z", "--no-abbrev", "--full-index", "--no-renames"]
            if request.whitespace_changes in _WHITESPACE:
                options.append(_WHITESPACE[request.whitespace_changes])
            if request.diff_mode == DiffBlobsRequest.DIFF_MODE_WORD:
                options.append("--word-diff=porcelain")
            limit = request.patch_bytes_limit
            reader = DiffReader(
                in_thread,
                lambda file: limit <= 0 or file.size < limit,
                failed=lambda ended: Failed(ended, Code.INTERNAL, "waiting for git-diff: "),
            )
            with running(git, evolve(diff(options, trees, repository), directory=staging.directory)) as child:
                async with aclosing(reader.files(child)) as files:
                    async for file in files:
                        number = int(file.change.path[:_DIGITS])
                        for pair in pairs[sent:number]:
                            yield _nothing(pair, repository.object_format)
                        sent = number + 1
                        try:
                            async with aclosing(_messages(file, pairs[number], limit)) as messages:
                                async for message in messages:
                                    yield message
                        finally:
                            await file.drop()
        finally:
            await staging.discard()
    for pair in pairs[sent:]:
        yield _nothing(pair, repository.object_format)


def _tree(pairs: Sequence[Pair], sides: Iterable[Side | None]) -> bytes:
    """
    A tree with a file for each pair of which this side is there, and which has something to compare.
    """
    entries: list[bytes] = []
    for number, (pair, side) in enumerate(zip(pairs, sides, strict=True)):
        if side is not None and not pair.identical:
            name = (pair.right or side).name.rstrip(b"/").rpartition(b"/")[2][-_NAME:]
            # With the end of the name, so that attributes which go by that apply.
            entries.append(b"%o %0*d-%b\0%b" % (side.mode, _DIGITS, number, name, bytes.fromhex(str(side.oid))))
    return b"".join(entries)


def _nothing(pair: Pair, object_format: ObjectFormat) -> DiffBlobsResponse:
    return DiffBlobsResponse(
        left_blob_id=str(pair.left.oid if pair.left else object_format.zero),
        right_blob_id=str(pair.right.oid if pair.right else object_format.zero),
        status=DiffBlobsResponse.STATUS_END_OF_PATCH,
    )


async def _messages(file: FileDiff, pair: Pair, limit: int) -> AsyncGenerator[DiffBlobsResponse, None]:
    change = file.change
    words = b"Binary files %b and %b differ\n" % (_named(b"a/", pair.left), _named(b"b/", pair.right)) if file.binary else b""
    size = len(words) if file.binary else file.size
    over = 0 < limit <= size
    message = DiffBlobsResponse(
        left_blob_id=change.old_id.decode("ascii"),
        right_blob_id=change.new_id.decode("ascii"),
        binary=file.binary,
        over_patch_bytes_limit=over,
        patch_size=size,
        lines_added=file.added,
        lines_removed=file.removed,
    )
    whole = words if file.binary else file.held(MESSAGE)
    if over or whole is not None:
        message.patch = b"" if over else whole or b""
        message.status = DiffBlobsResponse.STATUS_END_OF_PATCH
        yield message
        return
    async with aclosing(file.parts(MESSAGE)) as parts:
        async for message.patch, last in parts:
            message.status = DiffBlobsResponse.STATUS_END_OF_PATCH if last else DiffBlobsResponse.STATUS_INCOMPLETE
            yield message
            message = DiffBlobsResponse()


def _named(prefix: bytes, side: Side | None) -> bytes:
    return b"/dev/null" if side is None else quoted_path(prefix + side.name)
