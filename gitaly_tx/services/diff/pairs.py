"""
Which blobs DiffBlobs compares: what a request says, looked up and made the same for both of its ways to say it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from protocols.gitaly.diff_pb2 import ChangedPaths, DiffBlobsRequest

from ...errors import Code, GitalyError
from ...git import revisions
from ...git.interfaces import IGit
from ...git.names import validate_revision
from ...git.objectid import ObjectFormat, ObjectID
from ...storage.interfaces import IRepository
from ..validate import object_id

_FILE: Final = 0o100644
_MODES: Final = frozenset({_FILE, 0o100755, 0o100664, 0o120000, 0o160000})
"""Modes that something with a patch can have in a tree."""


@frozen
class Side:
    """
    :param mode: as in a tree.
    :param name: what git's words for binary files call it.
    """

    oid: ObjectID
    mode: int
    name: bytes


@frozen
class Pair:
    """
    ``None`` is a side that is not there: the other is what was added, or deleted.
    """

    left: Side | None
    right: Side | None

    @property
    def identical(self) -> bool:
        """
        Whether there is nothing to compare.
        """
        if self.left is None or self.right is None:
            return self.left is self.right
        return self.left.oid == self.right.oid and self.left.mode == self.right.mode


async def pairs_of(git: IGit, repository: IRepository, request: DiffBlobsRequest) -> list[Pair]:
    """
    :raises GitalyError: INVALID_ARGUMENT for a request that does not say what to compare, or names something that is no blob:
        ``getting left blob info: revision is not blob``.
    """
    if not request.blob_pairs and not request.raw_info:
        raise GitalyError("request contains no file pairs to diff", Code.INVALID_ARGUMENT)
    if request.blob_pairs and request.raw_info:
        raise GitalyError("blob pairs and raw info both used in request", Code.INVALID_ARGUMENT)
    if request.raw_info:
        return _from_raw(request.raw_info, repository.object_format)
    return [
        Pair(
            await _blob(git, repository, pair.left_blob, "getting left blob info"),
            await _blob(git, repository, pair.right_blob, "getting right blob info"),
        )
        for pair in request.blob_pairs
    ]


async def _blob(git: IGit, repository: IRepository, revision: bytes, step: str) -> Side | None:
    if revision == repository.object_format.zero:
        return None
    try:
        _check(revision, repository.object_format)
        oid = await revisions.resolve(git, repository, revision)
        (info,) = [None] if oid is None else await repository.object_info([oid])
        if info is None:
            raise GitalyError("getting revision info: object not found", Code.INVALID_ARGUMENT)
        if info.type != b"blob":
            raise GitalyError("revision is not blob", Code.INVALID_ARGUMENT)
    except GitalyError as error:
        raise error.wrapped(step) from error
    path = revision.partition(b":")[2]
    return Side(info.oid, _FILE, path or info.oid)


def _check(revision: bytes, object_format: ObjectFormat) -> None:
    """
    Only full ids and paths in commits or trees can name blobs here.
    """
    try:
        if b":" in revision:
            step = "validating path-scoped revision"
            validate_revision(revision, allow_path=True)
        else:
            step = "validating blob ID"
            object_id(revision.decode("utf-8", "replace"), object_format)
    except GitalyError as error:
        raise error.wrapped(step) from error


def _from_raw(entries: Sequence[ChangedPaths], object_format: ObjectFormat) -> list[Pair]:
    for entry in entries:
        if not entry.old_blob_id or not entry.new_blob_id:
            raise GitalyError("raw info entry missing blob IDs", Code.INVALID_ARGUMENT)
        if not entry.path:
            raise GitalyError("raw info entry missing path", Code.INVALID_ARGUMENT)
        if b"\0" in entry.path + entry.old_path:
            raise GitalyError("raw info entry with invalid path", Code.INVALID_ARGUMENT)
        if entry.status in (ChangedPaths.RENAMED, ChangedPaths.COPIED) and not entry.old_path:
            raise GitalyError("rename/copy raw info entry missing old path", Code.INVALID_ARGUMENT)
    return [
        Pair(
            _raw_side(entry.old_blob_id, entry.old_mode, entry.old_path or entry.path, object_format),
            _raw_side(entry.new_blob_id, entry.new_mode, entry.path, object_format),
        )
        for entry in entries
    ]


def _raw_side(digits: str, mode: int, path: bytes, object_format: ObjectFormat) -> Side | None:
    oid = object_id(digits, object_format)
    if oid.is_zero:
        return None
    if mode and mode not in _MODES:
        raise GitalyError("raw info entry with invalid mode", Code.INVALID_ARGUMENT, {"mode": mode})
    return Side(oid, mode or _FILE, path)


__all__ = ["Pair", "Side", "pairs_of"]
