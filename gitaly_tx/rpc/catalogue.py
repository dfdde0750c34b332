"""
Every method of every service that Gitaly's ``.proto`` files name, whether it is built yet or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from google.protobuf.descriptor import FileDescriptor

from protocols.gitaly import (
    analysis_pb2,
    blob_pb2,
    cleanup_pb2,
    cluster_pb2,
    commit_pb2,
    conflicts_pb2,
    diff_pb2,
    hook_pb2,
    internal_pb2,
    objectpool_pb2,
    operations_pb2,
    partition_pb2,
    praefect_pb2,
    ref_pb2,
    remote_pb2,
    repository_pb2,
    server_pb2,
    smarthttp_pb2,
    ssh_pb2,
    transaction_pb2,
)

from .method import MethodInfo, methods

FILES: tuple[FileDescriptor, ...] = (
    analysis_pb2.DESCRIPTOR,
    blob_pb2.DESCRIPTOR,
    cleanup_pb2.DESCRIPTOR,
    cluster_pb2.DESCRIPTOR,
    commit_pb2.DESCRIPTOR,
    conflicts_pb2.DESCRIPTOR,
    diff_pb2.DESCRIPTOR,
    hook_pb2.DESCRIPTOR,
    internal_pb2.DESCRIPTOR,
    objectpool_pb2.DESCRIPTOR,
    operations_pb2.DESCRIPTOR,
    partition_pb2.DESCRIPTOR,
    praefect_pb2.DESCRIPTOR,
    ref_pb2.DESCRIPTOR,
    remote_pb2.DESCRIPTOR,
    repository_pb2.DESCRIPTOR,
    server_pb2.DESCRIPTOR,
    smarthttp_pb2.DESCRIPTOR,
    ssh_pb2.DESCRIPTOR,
    transaction_pb2.DESCRIPTOR,
)
"""The files that define services: one service each."""

ELSEWHERE: Final = frozenset({"gitaly.PraefectInfoService", "gitaly.RefTransaction"})
"""Services of whoever leads several Gitalys; a Gitaly itself does not know them."""


def gitaly_methods() -> Iterator[MethodInfo]:
    """
    All methods, service by service.
    """
    for file in FILES:
        yield from methods(file)
