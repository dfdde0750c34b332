"""
The methods of ``cleanup.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import cleanup_pb2 as pb

from ...git.interfaces import IGit
from ...hooks.unasked import Unasked
from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread
from .bfg import apply_bfg_object_map
from .rewrite import rewrite_history


@implementer(IMethods)
@frozen
class CleanupService:
    """
    What should never have been in a repository is taken out of it.

    :param git: for what walks.
    :param in_thread: where files are written.
    :param unasked: writes refs.
    """

    service: ClassVar[str] = "gitaly.CleanupService"

    _git: IGit
    _storage: IStorageProvider
    _in_thread: InThread
    _unasked: Unasked

    def ApplyBfgObjectMapStream(
        self, call: Call, requests: AsyncIterator[pb.ApplyBfgObjectMapStreamRequest]
    ) -> AsyncIterator[pb.ApplyBfgObjectMapStreamResponse]:
        return apply_bfg_object_map(self._storage, self._unasked, requests)

    async def RewriteHistory(self, call: Call, requests: AsyncIterator[pb.RewriteHistoryRequest]) -> pb.RewriteHistoryResponse:
        return await rewrite_history(self._storage, self._git, self._in_thread, self._unasked, requests)
