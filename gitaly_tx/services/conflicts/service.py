"""
The methods of ``conflicts.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import conflicts_pb2 as pb

from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from .listing import list_conflict_files
from .ports import ConflictPorts
from .resolving import resolve_conflicts


@implementer(IMethods)
@frozen
class ConflictsService:
    """
    Merge conflicts as data, and their resolutions.
    """

    service: ClassVar[str] = "gitaly.ConflictsService"

    _ports: ConflictPorts

    def ListConflictFiles(
        self, call: Call, request: pb.ListConflictFilesRequest
    ) -> AsyncGenerator[pb.ListConflictFilesResponse, None]:
        return list_conflict_files(self._ports.git, self._ports.storage, self._ports.in_thread, request)

    async def ResolveConflicts(
        self, call: Call, requests: AsyncIterator[pb.ResolveConflictsRequest]
    ) -> pb.ResolveConflictsResponse:
        return await resolve_conflicts(self._ports, call, requests)
