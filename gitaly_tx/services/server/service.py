"""
The methods of ``server.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import field, frozen
from zope.interface import implementer

from protocols.gitaly import server_pb2 as pb

from ...git.interfaces import IGit
from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from ...signing.system import UNSIGNED, Signing
from ...storage.interfaces import StorageInfo
from ...wal.threads import InThread
from .disk import disk_statistics
from .info import StorageStatuses, server_info
from .readiness import readiness_check
from .signature import server_signature


@implementer(IMethods)
@frozen
class ServerService:
    """
    :param version: this server's version, without ``v``.
    :param git: which git is in use.
    :param storages: by name, in the order of the configuration.
    :param in_thread: where file systems are asked, which may take their time.
    :param signing: the keys that commits are signed with.
    """

    service: ClassVar[str] = "gitaly.ServerService"

    _version: str
    _git: IGit
    _storages: Mapping[str, StorageInfo]
    _in_thread: InThread
    _signing: Signing = UNSIGNED
    _statuses: StorageStatuses = field(init=False)

    @_statuses.default
    def _make_statuses(self) -> StorageStatuses:
        return StorageStatuses(self._storages, self._in_thread)

    async def ServerInfo(self, call: Call, request: pb.ServerInfoRequest) -> pb.ServerInfoResponse:
        return await server_info(self._version, self._git, self._statuses)

    async def DiskStatistics(self, call: Call, request: pb.DiskStatisticsRequest) -> pb.DiskStatisticsResponse:
        return await disk_statistics(self._storages, self._in_thread)

    async def ReadinessCheck(self, call: Call, request: pb.ReadinessCheckRequest) -> pb.ReadinessCheckResponse:
        return readiness_check()

    async def ServerSignature(self, call: Call, request: pb.ServerSignatureRequest) -> pb.ServerSignatureResponse:
        return await server_signature(self._signing, self._in_thread)
