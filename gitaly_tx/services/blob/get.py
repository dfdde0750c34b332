"""
One blob.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial

from protocols.gitaly.blob_pb2 import GetBlobRequest, GetBlobResponse

from ...errors import Code, GitalyError
from ...git.contents import IN_MEMORY
from ...git.interfaces import IGit
from ...git.revisions import look_at
from ...storage.interfaces import IStorageProvider
from ..validate import given, opened
from .read import limit_of, look, pieces_of


async def get_blob(git: IGit, storage: IStorageProvider, request: GetBlobRequest) -> AsyncIterator[GetBlobResponse]:
    """
    A blob's id, size and content, the first two in the first reply only. An empty reply for what is no blob or does not exist.

    :raises GitalyError: INVALID_ARGUMENT ``empty Oid``.
    """
    repository = await opened(storage, given(request))
    if not request.oid:
        raise GitalyError("empty Oid", Code.INVALID_ARGUMENT)
    limit = limit_of(request.limit)
    read = partial(look, maximum=0 if limit == 0 else IN_MEMORY)
    found = await look_at(git, repository, request.oid.encode("utf-8"), read)
    if found is None or found.info.type != b"blob":
        yield GetBlobResponse()
        return
    reply = GetBlobResponse(oid=str(found.info.oid), size=found.info.size)
    async with aclosing(pieces_of(git, repository, found, limit)) as pieces:
        async for piece in pieces:
            reply.data = piece
            yield reply
            reply = GetBlobResponse()
    if reply.oid:
        yield reply
