"""
Git LFS pointers.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from functools import partial

from protocols.git.lfs import MAXIMUM, parse_pointer
from protocols.gitaly.blob_pb2 import (
    GetLFSPointersRequest,
    GetLFSPointersResponse,
    LFSPointer,
    ListAllLFSPointersRequest,
    ListAllLFSPointersResponse,
    ListLFSPointersRequest,
    ListLFSPointersResponse,
)

from ...errors import Code, GitalyError
from ...git.interfaces import IGit
from ...git.objectid import ObjectID
from ...git.quoting import quoted
from ...git.revisions import resolve
from ...rpc.chunks import batched_stream
from ...storage.interfaces import IRepository, IStorageProvider
from ..validate import given, opened
from .found import Found, checked_revisions, every, reachable
from .read import Looked, look_all

_TOGETHER = 200
"""How many small blobs are read in one turn."""

_LARGEST_SIZE = (1 << 63) - 1


async def get_lfs_pointers(
    git: IGit, storage: IStorageProvider, request: GetLFSPointersRequest
) -> AsyncIterator[GetLFSPointersResponse]:
    """
    Those of some objects that are pointers, in the order of the request.

    :raises GitalyError: INVALID_ARGUMENT ``empty BlobIds``; INTERNAL if one does not exist.
    """
    repository = await opened(storage, given(request))
    if not request.blob_ids:
        raise GitalyError("empty BlobIds", Code.INVALID_ARGUMENT)
    async with aclosing(_asked(git, repository, request.blob_ids)) as pointers:
        async for part in batched_stream(pointers, LFSPointer.ByteSize):
            yield GetLFSPointersResponse(lfs_pointers=part)


async def list_lfs_pointers(
    git: IGit, storage: IStorageProvider, request: ListLFSPointersRequest
) -> AsyncIterator[ListLFSPointersResponse]:
    """
    The pointers that can be reached from some revisions. Blobs of exactly :data:`~protocols.git.lfs.MAXIMUM` bytes are not among
    them, because git's filter leaves them out.

    :raises GitalyError: INVALID_ARGUMENT for no or bad revisions; INTERNAL for what does not resolve.
    """
    repository = await opened(storage, given(request))
    source = reachable(git, repository, checked_revisions(request.revisions), below=MAXIMUM)
    async with aclosing(_pointers(repository, source, request.limit)) as pointers:
        async for part in batched_stream(pointers, LFSPointer.ByteSize):
            yield ListLFSPointersResponse(lfs_pointers=part)


async def list_all_lfs_pointers(
    git: IGit, storage: IStorageProvider, request: ListAllLFSPointersRequest
) -> AsyncIterator[ListAllLFSPointersResponse]:
    """
    All pointers of the object database, in the order in which they are stored.
    """
    repository = await opened(storage, given(request))
    async with aclosing(_pointers(repository, every(git, repository, MAXIMUM), request.limit)) as pointers:
        async for part in batched_stream(pointers, LFSPointer.ByteSize):
            yield ListAllLFSPointersResponse(lfs_pointers=part)


async def _asked(git: IGit, repository: IRepository, blob_ids: Sequence[str]) -> AsyncGenerator[LFSPointer, None]:
    for start in range(0, len(blob_ids), _TOGETHER):
        part = blob_ids[start : start + _TOGETHER]
        oids = [await _resolved(git, repository, blob_id) for blob_id in part]
        for blob_id, looked in zip(part, await _look(repository, oids), strict=True):
            if looked is None:
                raise _missing(blob_id)
            pointer = _pointer(looked)
            if pointer is not None:
                yield pointer


async def _resolved(git: IGit, repository: IRepository, blob_id: str) -> ObjectID:
    oid = await resolve(git, repository, blob_id.encode("utf-8"))
    if oid is None:
        raise _missing(blob_id)
    return oid


def _missing(blob_id: str) -> GitalyError:
    return GitalyError(f"retrieving object info for {quoted(blob_id)}: object not found", Code.INTERNAL)


async def _pointers(
    repository: IRepository, source: AsyncGenerator[list[Found], None], limit: int
) -> AsyncGenerator[LFSPointer, None]:
    sent = 0
    async with aclosing(source) as batches:
        async for batch in batches:
            for start in range(0, len(batch), _TOGETHER):
                part = [found.oid for found in batch[start : start + _TOGETHER]]
                for looked in await _look(repository, part):
                    pointer = None if looked is None else _pointer(looked)
                    if pointer is not None:
                        yield pointer
                        sent += 1
                        if sent == limit:
                            return


async def _look(repository: IRepository, oids: Sequence[ObjectID]) -> list[Looked | None]:
    return await repository.look(partial(look_all, oids=oids, maximum=MAXIMUM))


def _pointer(looked: Looked) -> LFSPointer | None:
    if looked.info.type != b"blob" or looked.data is None:
        return None
    parsed = parse_pointer(looked.data)
    if parsed is None:
        return None
    return LFSPointer(
        oid=str(looked.info.oid),
        size=looked.info.size,
        data=looked.data,
        file_oid=parsed.oid,
        file_size=min(parsed.size, _LARGEST_SIZE),
    )
