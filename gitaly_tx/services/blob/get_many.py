"""
Blobs, trees and submodules by where they are.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial

from protocols.gitaly import shared_pb2
from protocols.gitaly.blob_pb2 import GetBlobsRequest, GetBlobsResponse

from ...errors import Code, GitalyError
from ...git.contents import IN_MEMORY
from ...git.errors import ObjectNotFound
from ...git.interfaces import IGit, IObjects
from ...git.names import validate_revision
from ...git.objectid import ObjectID
from ...git.parse.tree import TreeEntry
from ...git.peeling import below, peeled
from ...git.revisions import look_at
from ...storage.interfaces import IRepository, IStorageProvider
from ..validate import given, opened
from .read import Looked, limit_of, look, pieces_of

_TYPES = {b"commit": shared_pb2.COMMIT, b"blob": shared_pb2.BLOB, b"tree": shared_pb2.TREE, b"tag": shared_pb2.TAG}


async def get_blobs(git: IGit, storage: IStorageProvider, request: GetBlobsRequest) -> AsyncIterator[GetBlobsResponse]:
    """
    What lies at each path of a revision, in the order of the request. The first reply for each names revision and path, and says
    what is there, if there is something; others hold only more of a blob's content.

    :raises GitalyError: INVALID_ARGUMENT ``empty RevisionPaths``, and for what is no revision.
    """
    repository = await opened(storage, given(request))
    if not request.revision_paths:
        raise GitalyError("empty RevisionPaths", Code.INVALID_ARGUMENT)
    for asked in request.revision_paths:
        validate_revision(asked.revision.encode("utf-8"))
    for asked in request.revision_paths:
        async with aclosing(_replies(git, repository, asked, limit_of(request.limit))) as replies:
            async for reply in replies:
                yield reply


async def _replies(
    git: IGit, repository: IRepository, asked: GetBlobsRequest.RevisionPath, limit: int | None
) -> AsyncGenerator[GetBlobsResponse, None]:
    path = asked.path.rstrip(b"/") if len(asked.path) > 1 else asked.path
    reply = GetBlobsResponse(revision=asked.revision, path=path)
    find = partial(_find, path=path, maximum=0 if limit == 0 else IN_MEMORY)
    found = await look_at(git, repository, asked.revision.encode("utf-8"), find)
    if found is None:
        yield reply
        return
    entry, looked = found
    reply.oid, reply.mode, reply.type = str(entry.oid), entry.mode, _TYPES[entry.type]
    if looked is None:
        reply.is_submodule = True
        yield reply
        return
    reply.size, reply.type = looked.info.size, _TYPES[looked.info.type]
    sent = False
    if looked.info.type == b"blob":
        async with aclosing(pieces_of(git, repository, looked, limit)) as pieces:
            async for piece in pieces:
                reply.data = piece
                yield reply
                reply = GetBlobsResponse()
                sent = True
    if not sent:
        yield reply


def _find(objects: IObjects, oid: ObjectID, path: bytes, maximum: int) -> tuple[TreeEntry, Looked | None] | None:
    """
    :returns: what lies at a path; without its object if that is a submodule's. ``None`` if there is nothing.
    """
    tree = peeled(objects, oid, b"tree")
    entry = below(objects, tree.oid, path) if tree is not None and path and not path.endswith(b"/") else None
    if entry is None:
        return None
    if entry.is_submodule:
        return entry, None
    looked = look(objects, entry.oid, 0 if entry.is_tree else maximum)
    if looked is None:
        raise ObjectNotFound(entry.oid).wrapped("reading object")
    return entry, looked
