"""
One entry of a tree, with its content.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial
from posixpath import normpath
from typing import Final

from attrs import frozen

from protocols.gitaly.commit_pb2 import TreeEntryRequest, TreeEntryResponse

from ...errors import Code, GitalyError
from ...git.contents import IN_MEMORY, contents
from ...git.errors import ObjectNotFound, ObjectTooLarge
from ...git.interfaces import IObjects, ObjectInfo
from ...git.names import validate_revision
from ...git.objectid import ObjectID
from ...git.parse import tree as trees
from ...git.peeling import below, info, peeled_id
from ...git.revisions import look_at
from ...rpc.chunks import cut
from ...storage.interfaces import IRepository
from ..validate import given, opened
from .ports import CommitPorts

_TYPES: Final = {b"blob": TreeEntryResponse.BLOB, b"tree": TreeEntryResponse.TREE, b"commit": TreeEntryResponse.COMMIT}


@frozen
class _Found:
    """
    :param info: ``None`` for a submodule, whose object is elsewhere, and for an object that is missing.
    :param data: the content of a blob that is not large.
    """

    entry: trees.TreeEntry
    info: ObjectInfo | None
    data: bytes | None


async def tree_entry(ports: CommitPorts, request: TreeEntryRequest) -> AsyncIterator[TreeEntryResponse]:
    """
    What it is, and a blob's content; the first message tells all but the rest of the content.

    :raises GitalyError: INVALID_ARGUMENT; NOT_FOUND ``tree entry not found``, whatever is missing; FAILED_PRECONDITION if a blob
        is larger than the caller takes.
    """
    repository = await opened(ports.storage, given(request))
    _validate(request)
    found = await _find(ports, repository, request)
    if found is None:
        raise GitalyError("tree entry not found", Code.NOT_FOUND, {"path": request.path, "revision": request.revision})
    entry, known = found.entry, found.info
    reply = TreeEntryResponse(type=_TYPES[entry.type], oid=str(entry.oid), mode=entry.mode)
    if entry.is_submodule:
        yield reply
        return
    if known is None:
        raise ObjectNotFound(entry.oid)
    reply.size = known.size
    if entry.is_tree:
        yield reply
        return
    if request.max_size and known.size > request.max_size:
        text = f"object size ({known.size}) is bigger than the maximum allowed size ({request.max_size})"
        raise GitalyError(text, Code.FAILED_PRECONDITION)
    async with aclosing(_content(ports, repository, found, request.limit or known.size)) as pieces:
        async for piece in pieces:
            for data in cut(piece):
                reply.data = data
                yield reply
                reply = TreeEntryResponse()
    if reply.oid:
        yield reply  # an empty blob


async def _content(ports: CommitPorts, repository: IRepository, found: _Found, limit: int) -> AsyncGenerator[bytes, None]:
    if found.data is not None:
        yield found.data[:limit]
    elif found.info is not None:
        async with aclosing(contents(ports.git, repository, found.info, limit)) as pieces:
            async for piece in pieces:
                yield piece


def _validate(request: TreeEntryRequest) -> None:
    validate_revision(request.revision)
    for wrong, text in (
        (not request.path, "empty Path"),
        (request.limit < 0, "negative Limit"),
        (request.max_size < 0, "negative MaxSize"),
    ):
        if wrong:
            raise GitalyError(text, Code.INVALID_ARGUMENT)


async def _find(ports: CommitPorts, repository: IRepository, request: TreeEntryRequest) -> _Found | None:
    path = request.path.rstrip(b"/")
    if not path or normpath(path) != path or path.startswith(b"../"):
        return None
    return await look_at(ports.git, repository, request.revision, partial(_look, path=path))


def _look(objects: IObjects, oid: ObjectID, path: bytes) -> _Found | None:
    tree = peeled_id(objects, oid, b"tree")
    entry = None if tree is None else below(objects, tree, path)
    if entry is None:
        return None
    if entry.is_submodule:
        return _Found(entry, None, None)
    try:
        found = objects.read(entry.oid, IN_MEMORY)
    except (ObjectNotFound, ObjectTooLarge):
        return _Found(entry, info(objects, entry.oid), None)
    return _Found(entry, ObjectInfo(entry.oid, found.type, len(found.data)), found.data)
