"""
The methods of ``diff.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import diff_pb2 as pb

from ...git.interfaces import IGit
from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread
from .blobs import diff_blobs
from .changed_paths import find_changed_paths
from .commit import commit_diff
from .delta import commit_delta
from .patch_id import get_patch_id
from .range import range_diff, raw_range_diff
from .raw import raw_diff, raw_patch
from .stats import diff_stats


@implementer(IMethods)
@frozen
class DiffService:
    """
    What differs between commits, trees and blobs.

    :param in_thread: where patches that are too large for memory are written and read.
    """

    service: ClassVar[str] = "gitaly.DiffService"

    _git: IGit
    _storage: IStorageProvider
    _in_thread: InThread

    def CommitDiff(self, call: Call, request: pb.CommitDiffRequest) -> AsyncGenerator[pb.CommitDiffResponse, None]:
        return commit_diff(self._git, self._storage, self._in_thread, request)

    def CommitDelta(self, call: Call, request: pb.CommitDeltaRequest) -> AsyncGenerator[pb.CommitDeltaResponse, None]:
        return commit_delta(self._git, self._storage, request)

    async def RawDiff(self, call: Call, request: pb.RawDiffRequest) -> None:
        await raw_diff(self._git, self._storage, call.exchange, request)

    async def RawPatch(self, call: Call, request: pb.RawPatchRequest) -> None:
        await raw_patch(self._git, self._storage, call.exchange, request)

    def DiffStats(self, call: Call, request: pb.DiffStatsRequest) -> AsyncGenerator[pb.DiffStatsResponse, None]:
        return diff_stats(self._git, self._storage, request)

    def FindChangedPaths(
        self, call: Call, request: pb.FindChangedPathsRequest
    ) -> AsyncGenerator[pb.FindChangedPathsResponse, None]:
        return find_changed_paths(self._git, self._storage, request)

    async def GetPatchID(self, call: Call, request: pb.GetPatchIDRequest) -> pb.GetPatchIDResponse:
        return await get_patch_id(self._git, self._storage, request)

    async def RawRangeDiff(self, call: Call, request: pb.RawRangeDiffRequest) -> None:
        await raw_range_diff(self._git, self._storage, call.exchange, request)

    def RangeDiff(self, call: Call, request: pb.RangeDiffRequest) -> AsyncGenerator[pb.RangeDiffResponse, None]:
        return range_diff(self._git, self._storage, request)

    def DiffBlobs(self, call: Call, request: pb.DiffBlobsRequest) -> AsyncGenerator[pb.DiffBlobsResponse, None]:
        return diff_blobs(self._git, self._storage, self._in_thread, request)
