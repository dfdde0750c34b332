"""
The methods of ``conflicts.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import conflicts_pb2 as pb

from ...git.interfaces import IGit
from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from ...storage.interfaces import IStorageProvider
from ...wal.threads import InThread
from .listing import list_conflict_files


@implementer(IMethods)
@frozen
class ConflictsService:
    """
    Merge conflicts as data.

    :param in_thread: where files that are too large for memory are written and read.
    """

    service: ClassVar[str] = "gitaly.ConflictsService"

    _git: IGit
    _storage: IStorageProvider
    _in_thread: InThread

    def ListConflictFiles(
        self, call: Call, request: pb.ListConflictFilesRequest
    ) -> AsyncGenerator[pb.ListConflictFilesResponse, None]:
        return list_conflict_files(self._git, self._storage, self._in_thread, request)
