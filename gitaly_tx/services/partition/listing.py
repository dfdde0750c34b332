"""
The partitions of a storage: what is written in one order.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from protocols.gitaly.partition_pb2 import ListPartitionsRequest, ListPartitionsResponse
from protocols.gitaly.shared_pb2 import PaginationCursor, Partition

from ...errors import Code, GitalyError
from ...storage.errors import StorageNotSet, StorageUnknown
from ...storage.interfaces import StorageInfo
from ...storage.naming import Place
from ...storage.partitions import line_of, number_of
from ...storage.walk import repositories
from ...wal.threads import InThread


async def list_partitions(
    storages: Mapping[str, StorageInfo], in_thread: InThread, request: ListPartitionsRequest
) -> ListPartitionsResponse:
    """
    A page of the storage's partitions, by their numbers. A pool and its members are one.

    :raises GitalyError: INVALID_ARGUMENT for a storage that there is not, and a page token that no answer has had.
    """
    storage = storages.get(request.storage_name)
    if storage is None:
        raise StorageUnknown(request.storage_name) if request.storage_name else StorageNotSet()
    after, limit = _page(request)
    numbers = await in_thread(_numbers, storage) if limit else []
    start = bisect_right(numbers, after)
    page = numbers[start : start + limit] if limit > 0 else numbers[start:]
    reply = ListPartitionsResponse(partitions=[Partition(id=str(number)) for number in page])
    if page and page[-1] != numbers[-1]:
        reply.pagination_cursor.CopyFrom(PaginationCursor(next_cursor=str(page[-1])))
    return reply


def _page(request: ListPartitionsRequest) -> tuple[int, int]:
    """
    :returns: the last number of the page before, and how many are wanted; negative for all.
    """
    if not request.HasField("pagination_params"):
        return 0, -1
    token = request.pagination_params.page_token
    if token and not (token.isascii() and token.isdecimal() and len(token) <= 20):
        raise GitalyError("invalid page token", Code.INVALID_ARGUMENT)
    return int(token or "0"), request.pagination_params.limit


def _numbers(storage: StorageInfo) -> list[int]:
    return sorted({number_of(line_of(Place(storage, path))) for path in repositories(storage.path)})
