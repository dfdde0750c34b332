"""
Blobs by the dozen.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from typing import TypeVar

from google.protobuf.message import Message

from protocols.gitaly.blob_pb2 import ListAllBlobsRequest, ListAllBlobsResponse, ListBlobsRequest, ListBlobsResponse

from ...errors import GitalyError
from ...git.errors import ObjectNotFound
from ...git.interfaces import IGit, ObjectInfo
from ...rpc.chunks import batched_stream
from ...storage.interfaces import IRepository, IStorageProvider
from ..validate import given, opened
from .found import Found, checked_revisions, every, reachable
from .read import Looked, limit_of, look_all, pieces_of

_AT_ONCE = 64 << 10
"""Bytes of a content that is read together with others."""

_TOGETHER = 32
"""How many contents are read in one turn."""

_SIZES = 200
"""How many sizes are looked up in one turn."""

M = TypeVar("M", bound=Message)


async def list_blobs(git: IGit, storage: IStorageProvider, request: ListBlobsRequest) -> AsyncIterator[ListBlobsResponse]:
    """
    The blobs that can be reached from some revisions, with as much of their content as is wanted. What one message has no room
    for comes in further ones without id and size.

    :raises GitalyError: INVALID_ARGUMENT for no or bad revisions; INTERNAL for what does not resolve.
    """
    repository = await opened(storage, given(request))
    revisions = checked_revisions(request.revisions)

    def make(info: ObjectInfo | None, data: bytes, found: Found) -> ListBlobsResponse.Blob:
        if info is None:
            return ListBlobsResponse.Blob(data=data, path=found.path)
        return ListBlobsResponse.Blob(oid=str(info.oid), size=info.size, data=data, path=found.path)

    source = reachable(git, repository, revisions, with_paths=request.with_paths)
    blobs = _blobs(git, repository, source, request.limit, limit_of(request.bytes_limit), make)
    async with aclosing(_named(blobs)) as messages:
        async for part in batched_stream(messages, ListBlobsResponse.Blob.ByteSize):
            yield ListBlobsResponse(blobs=part)


async def list_all_blobs(
    git: IGit, storage: IStorageProvider, request: ListAllBlobsRequest
) -> AsyncIterator[ListAllBlobsResponse]:
    """
    All blobs of the object database, in the order in which they are stored.

    :raises GitalyError: INTERNAL if it cannot be read.
    """
    repository = await opened(storage, given(request))

    def make(info: ObjectInfo | None, data: bytes, found: Found) -> ListAllBlobsResponse.Blob:
        if info is None:
            return ListAllBlobsResponse.Blob(data=data)
        return ListAllBlobsResponse.Blob(oid=str(info.oid), size=info.size, data=data)

    blobs = _blobs(git, repository, every(git, repository), request.limit, limit_of(request.bytes_limit), make)
    async with aclosing(_named(blobs)) as messages:
        async for part in batched_stream(messages, ListAllBlobsResponse.Blob.ByteSize):
            yield ListAllBlobsResponse(blobs=part)


async def _named(messages: AsyncGenerator[M, None]) -> AsyncGenerator[M, None]:
    async with aclosing(messages) as source:
        try:
            async for message in source:
                yield message
        except GitalyError as error:
            raise error.wrapped("processing blobs") from error


async def _blobs(
    git: IGit,
    repository: IRepository,
    source: AsyncGenerator[list[Found], None],
    limit: int,
    wanted: int | None,
    make: Callable[[ObjectInfo | None, bytes, Found], M],
) -> AsyncGenerator[M, None]:
    """
    :param limit: how many blobs; 0 for all.
    :param wanted: bytes of each; ``None`` for all.
    :param make: a message of an id and size (in a blob's first one), a piece of its content, and where it was found.
    """
    rest = limit or None
    async with aclosing(source) as batches:
        async for batch in batches:
            if rest is not None:
                batch = batch[:rest]
                rest -= len(batch)
            async with aclosing(_read(git, repository, batch, wanted, make)) as messages:
                async for message in messages:
                    yield message
            if rest == 0:
                return


async def _read(
    git: IGit,
    repository: IRepository,
    batch: list[Found],
    wanted: int | None,
    make: Callable[[ObjectInfo | None, bytes, Found], M],
) -> AsyncGenerator[M, None]:
    count, maximum = (_SIZES, 0) if wanted == 0 else (_TOGETHER, _AT_ONCE)
    for start in range(0, len(batch), count):
        part = batch[start : start + count]
        for found, looked in zip(part, await _look(repository, part, maximum), strict=True):
            if looked is None:
                raise ObjectNotFound(found.oid).wrapped("reading object")
            info: ObjectInfo | None = looked.info
            if looked.info.size and wanted != 0:
                async with aclosing(pieces_of(git, repository, looked, wanted)) as pieces:
                    async for piece in pieces:
                        yield make(info, piece, found)
                        info = None
            if info is not None:
                yield make(info, b"", found)


async def _look(repository: IRepository, part: list[Found], maximum: int) -> list[Looked | None]:
    if not maximum and all(found.size is not None for found in part):
        return [Looked(ObjectInfo(found.oid, b"blob", found.size or 0)) for found in part]
    return await repository.look(partial(look_all, oids=[found.oid for found in part], maximum=maximum))
