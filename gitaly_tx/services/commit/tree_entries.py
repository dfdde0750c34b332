"""
The entries of a directory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from itertools import islice
from posixpath import normpath
from typing import Final

from attrs import field, frozen

from protocols.gitaly.commit_pb2 import GetTreeEntriesError, GetTreeEntriesRequest, GetTreeEntriesResponse, TreeEntry
from protocols.gitaly.errors_pb2 import PathError, ResolveRevisionError
from protocols.gitaly.shared_pb2 import PaginationCursor

from ...errors import Code, GitalyError
from ...git.errors import ObjectNotFound
from ...git.interfaces import IObjects, ObjectInfo
from ...git.names import validate_revision
from ...git.objectid import ObjectID
from ...git.parse import tree as trees
from ...git.peeling import below, info, peeled_id, read
from ...git.revisions import look_at
from ...git.treewalk import Found, TreeWalk
from ...rpc.chunks import REPLY
from ...storage.interfaces import IRepository
from ..validate import given, opened
from .pages import page
from .ports import CommitPorts

AT_ONCE: Final = 2000
"""Entries that are read, or made into messages, in one turn in a thread."""

_DEEPEST: Final = 9
"""Steps that a flat path goes down at most."""

_FRAMES: Final = 40
"""Bytes that an entry takes beside its texts, at most."""

_TYPES: Final = {b"blob": TreeEntry.BLOB, b"tree": TreeEntry.TREE, b"commit": TreeEntry.COMMIT}
_TREES_FIRST: Final = {b"tree": 0, b"blob": 1, b"commit": 2}


@frozen
class _At:
    """
    What lies at a path.

    :param info: ``None`` for a submodule, whose object is elsewhere, and for an object that is missing.
    :param listed: the entries of a directory, if they are wanted.
    """

    info: ObjectInfo | None
    listed: list[Found] = field(factory=list)


async def get_tree_entries(ports: CommitPorts, request: GetTreeEntriesRequest) -> AsyncIterator[GetTreeEntriesResponse]:
    """
    The entries of a directory, or all below it. The first message has the cursor, even if nothing more is to come.

    :raises GitalyError: INVALID_ARGUMENT or NOT_FOUND ``invalid revision or path``; INTERNAL for a page token that is not met.
    """
    repository = await opened(ports.storage, given(request))
    validate_revision(request.revision)
    if not request.path:
        details = GetTreeEntriesError(path=PathError(error_type=PathError.ERROR_TYPE_EMPTY_PATH))
        raise GitalyError("empty path", Code.INVALID_ARGUMENT, details=(details,))
    found = _sorted(await _entries(ports, repository, request), request.sort)
    cursor = PaginationCursor()
    if request.HasField("pagination_params"):
        found, cursor.next_cursor = page(found, request.pagination_params)
    first = True
    for start in range(0, len(found), AT_ONCE):
        part = found[start : start + AT_ONCE]
        for reply in await repository.look(partial(_replies, request=request, found=part)):
            if first:
                reply.pagination_cursor.CopyFrom(cursor)
                first = False
            yield reply


async def _entries(ports: CommitPorts, repository: IRepository, request: GetTreeEntriesRequest) -> list[Found]:
    """
    All that the request asks for, with whole paths.
    """
    path = b"" if request.path == b"." else request.path
    prefix = normpath(path) + b"/" if path else b""
    looked = await look_at(
        ports.git, repository, request.revision, partial(_at, path=path, prefix=prefix, listed=not request.recursive)
    )
    if looked is None or (looked.info is None and not request.recursive):
        code = Code.NOT_FOUND if request.recursive else Code.INVALID_ARGUMENT
        raise _unresolved("invalid revision or path", code, request.revision)
    if not request.recursive:
        return looked.listed
    if looked.info is None or looked.info.type != b"tree":
        # It has a name, but git cannot list it.
        raise _unresolved("revision doesn't exist", Code.INVALID_ARGUMENT, request.revision)
    tree = looked.info.oid
    found: list[Found] = []
    walk = TreeWalk(tree)
    try:
        while several := await repository.look(partial(walk.take, count=AT_ONCE)):
            found.extend(Found(prefix + each.path, each.entry) for each in several if each.entry.oid != tree)
    except ObjectNotFound as error:
        raise _unresolved("revision doesn't exist", Code.INVALID_ARGUMENT, request.revision) from error
    return found


def _at(objects: IObjects, oid: ObjectID, path: bytes, prefix: bytes, listed: bool) -> _At | None:
    """
    What lies at a path; and what is in it, if that is a directory.

    :param prefix: what the paths of its entries begin with.
    :param listed: whether the entries are wanted.
    :returns: ``None`` if nothing lies there.
    """
    there = _there(objects, oid, path)
    if there is None:
        return None
    known = info(objects, there)
    if known is None or known.type != b"tree" or not listed:
        return _At(known)
    data = read(objects, there).data
    return _At(known, [Found(prefix + entry.name, entry) for entry in trees.listed(there, data)])


def _there(objects: IObjects, oid: ObjectID, path: bytes) -> ObjectID | None:
    tree = peeled_id(objects, oid, b"tree")
    if tree is None or not path:
        return tree
    entry = below(objects, tree, path)
    return None if entry is None else entry.oid


def _unresolved(text: str, code: Code, revision: bytes) -> GitalyError:
    details = GetTreeEntriesError(resolve_tree=ResolveRevisionError(revision=revision))
    return GitalyError(text, code, {"revision": revision}, (details,))


def _sorted(found: list[Found], order: int) -> list[Found]:
    """
    Gitaly takes every order but the default for "trees first".
    """
    if order == GetTreeEntriesRequest.DEFAULT:
        return found
    return sorted(found, key=lambda each: _TREES_FIRST[each.entry.type])


def _replies(objects: IObjects, request: GetTreeEntriesRequest, found: list[Found]) -> list[GetTreeEntriesResponse]:
    """
    Entries as messages. They are made where they are sent from, because a copy costs as much again.
    """
    revision = request.revision.decode("utf-8", "replace")
    flat = not request.recursive and not request.skip_flat_paths
    replies = [GetTreeEntriesResponse()]
    add, weight = replies[0].entries.add, 0
    for path, entry in found:
        kind = entry.type
        shown = b"" if not flat else _flat_path(objects, path, entry) if kind == b"tree" else path
        size = len(entry.oid) + len(path) + len(shown) + 3 * len(revision) + _FRAMES
        if weight and weight + size >= REPLY:
            replies.append(GetTreeEntriesResponse())
            add, weight = replies[-1].entries.add, 0
        weight += size
        add(oid=entry.oid.decode("ascii"), path=path, type=_TYPES[kind], mode=entry.mode, commit_oid=revision, flat_path=shown)
    return replies


def _flat_path(objects: IObjects, path: bytes, entry: trees.TreeEntry) -> bytes:
    """
    How far one gets from a directory without a choice: down to the first that has more than one entry, or one that is no
    directory.
    """
    for _ in range(_DEEPEST):
        inside = list(islice(trees.entries(entry.oid, read(objects, entry.oid).data), 2))
        if len(inside) != 1 or not inside[0].is_tree:
            break
        entry = inside[0]
        path += b"/" + entry.name
    return path
