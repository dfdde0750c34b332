"""
The paths of all files.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Final

from protocols.gitaly.commit_pb2 import ListFilesRequest, ListFilesResponse

from ...errors import Code, GitalyError
from ...git.errors import ObjectNotFound
from ...git.interfaces import IObjects
from ...git.names import validate_revision
from ...git.objectid import ObjectID
from ...git.peeling import peeled_id
from ...git.revisions import resolve
from ...git.treewalk import Found, TreeWalk
from ...rpc.chunks import batched_stream
from ...storage.interfaces import IRepository
from ..defaultbranch import default_branch
from ..validate import given, opened
from .ports import CommitPorts

AT_ONCE: Final = 2000
"""Entries that are read in one turn in a thread."""


async def list_files(ports: CommitPorts, request: ListFilesRequest) -> AsyncIterator[ListFilesResponse]:
    """
    Files and symbolic links at a revision, or else at the default branch. For a revision that stands for nothing there is one
    empty message; for one that stands for no tree, none.

    :raises GitalyError: if none is named, FAILED_PRECONDITION ``repository does not have a default branch`` if there is no
        branch, and NOT_FOUND ``revision not found ""`` if HEAD is no name for one.
    """
    repository = await opened(ports.storage, given(request))
    validate_revision(request.revision, allow_empty=True)
    try:
        revision = request.revision or await default_branch(repository)
    except GitalyError as error:
        raise GitalyError('revision not found ""', Code.NOT_FOUND, error.facts) from error
    if not revision:
        raise GitalyError("repository does not have a default branch", Code.FAILED_PRECONDITION)
    oid = await resolve(ports.git, repository, revision)
    if oid is None:
        yield ListFilesResponse()
        return
    tree = await repository.glance(partial(_tree, oid=oid))
    if tree is None:
        return
    async with aclosing(_files(repository, tree)) as paths:
        async for batch in batched_stream(paths, _weight):
            yield ListFilesResponse(paths=batch)


async def _files(repository: IRepository, tree: ObjectID) -> AsyncGenerator[bytes, None]:
    walk = TreeWalk(tree)
    while several := await repository.look(partial(_take, walk=walk)):
        for path, entry in several:
            if entry.type == b"blob":
                yield path


def _tree(objects: IObjects, oid: ObjectID) -> ObjectID | None:
    return peeled_id(objects, oid, b"tree")


def _take(objects: IObjects, walk: TreeWalk) -> list[Found]:
    """
    The next entries; what is missing ends the walk, as a failing ``git ls-tree`` ends Gitaly's.
    """
    try:
        return walk.take(objects, AT_ONCE)
    except ObjectNotFound:
        return []


def _weight(path: bytes) -> int:
    return len(path) + 4
