"""
The methods of ``internal.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import internal_pb2 as pb

from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from ...storage.interfaces import StorageInfo
from ...wal.threads import InThread
from .walk import walk_repos


@implementer(IMethods)
@frozen
class InternalService:
    """
    What servers ask of one another.

    :param storages: by name.
    :param in_thread: where directories are read.
    """

    service: ClassVar[str] = "gitaly.InternalGitaly"

    _storages: Mapping[str, StorageInfo]
    _in_thread: InThread

    def WalkRepos(self, call: Call, request: pb.WalkReposRequest) -> AsyncIterator[pb.WalkReposResponse]:
        return walk_repos(self._storages, self._in_thread, request)
