"""
The methods of ``partition.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import partition_pb2 as pb

from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from ...storage.interfaces import StorageInfo
from ...wal.threads import InThread
from .listing import list_partitions


@implementer(IMethods)
@frozen
class PartitionService:
    """
    What is written in one order.

    :param storages: by name.
    :param in_thread: where directories are read.
    """

    service: ClassVar[str] = "gitaly.PartitionService"

    _storages: Mapping[str, StorageInfo]
    _in_thread: InThread

    async def ListPartitions(self, call: Call, request: pb.ListPartitionsRequest) -> pb.ListPartitionsResponse:
        return await list_partitions(self._storages, self._in_thread, request)
