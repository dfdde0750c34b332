"""
Refs of the application's own that still refer to commits which a rewrite of history replaced are dropped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

from protocols.gitaly.cleanup_pb2 import ApplyBfgObjectMapStreamRequest, ApplyBfgObjectMapStreamResponse
from protocols.gitaly.shared_pb2 import ObjectType

from ...errors import Code, GitalyError
from ...git.errors import ObjectNotFound
from ...git.interfaces import IObjects, Reference, RefUpdate
from ...git.objectid import ObjectID
from ...git.parse import commit as commits
from ...hooks.unasked import Unasked
from ...rpc.chunks import batched_stream
from ...storage.interfaces import IRepository, IStorageProvider
from ..validate import given, opened
from .objectmap import ObjectMap, Pair

INTERNAL = (
    b"refs/environments/",
    b"refs/keep-around/",
    b"refs/merge-requests/",
    b"refs/pipelines/",
    b"refs/remotes/",
    b"refs/tmp/",
)
"""Where the application keeps refs of its own. Branches, tags and notes are never touched."""

_AT_ONCE = 250
"""Objects that are looked at in one turn in a thread."""

_TYPES = {b"commit": ObjectType.COMMIT, b"tree": ObjectType.TREE, b"blob": ObjectType.BLOB, b"tag": ObjectType.TAG}

Entry = ApplyBfgObjectMapStreamResponse.Entry

Users = Mapping[ObjectID, Iterable[bytes]]
"""Refs, by what they point at and by that commit's parents."""


async def apply_bfg_object_map(
    storage: IStorageProvider, unasked: Unasked, requests: AsyncIterator[ApplyBfgObjectMapStreamRequest]
) -> AsyncIterator[ApplyBfgObjectMapStreamResponse]:
    """
    Tell of each object in the map what it became, and in the end drop the refs that refer to what is no more, all at once.
    """
    first = await anext(requests, None)
    if first is None:
        raise GitalyError("receive first request: EOF", Code.INTERNAL)
    repository = await opened(storage, given(first))
    users = await _users(repository)
    dropped: dict[bytes, None] = {}
    entries = _entries(repository, users, dropped, _pairs(repository, first, requests))
    async for batch in batched_stream(entries, lambda entry: entry.ByteSize() + 4):
        yield ApplyBfgObjectMapStreamResponse(entries=batch)
    if dropped:
        zero = repository.object_format.zero
        updates = [RefUpdate(name, None, zero) for name in dropped]
        outcome = await unasked.commit(repository, updates)
        for refused in outcome.refused.values():
            facts = {"ref": refused.name, "why": refused.why.value}
            raise GitalyError("reference cannot be dropped", Code.ABORTED, facts)


async def _pairs(
    repository: IRepository, first: ApplyBfgObjectMapStreamRequest, requests: AsyncIterator[ApplyBfgObjectMapStreamRequest]
) -> AsyncIterator[list[Pair]]:
    read = ObjectMap(repository.object_format)
    yield list(read.feed(first.object_map))
    async for request in requests:
        yield list(read.feed(request.object_map))
    yield list(read.end())


async def _entries(
    repository: IRepository, users: Users, dropped: dict[bytes, None], pairs: AsyncIterator[list[Pair]]
) -> AsyncIterator[Entry]:
    async for several in pairs:
        for start in range(0, len(several), _AT_ONCE):
            part = several[start : start + _AT_ONCE]
            found = await repository.object_info([pair.new for pair in part])
            for pair, info in zip(part, found, strict=True):
                kind = ObjectType.UNKNOWN if info is None else _TYPES[info.type]
                if pair.old in users:
                    kind = ObjectType.COMMIT
                    dropped.update(dict.fromkeys(users[pair.old]))
                yield Entry(type=kind, old_oid=str(pair.old), new_oid=str(pair.new))


async def _users(repository: IRepository) -> Users:
    """
    Built once: what the rewrite has done since is not looked at.
    """
    users: dict[ObjectID, dict[bytes, None]] = {}
    refs = await repository.refs(INTERNAL)
    for start in range(0, len(refs), _AT_ONCE):
        part = refs[start : start + _AT_ONCE]

        def look(objects: IObjects, part: list[Reference] = part) -> list[tuple[ObjectID, bytes]]:
            return list(_used(objects, part))

        for oid, name in await repository.look(look):
            users.setdefault(oid, {})[name] = None
    return users


def _used(objects: IObjects, refs: Iterable[Reference]) -> Iterator[tuple[ObjectID, bytes]]:
    for ref in refs:
        yield ref.target, ref.name
        try:
            found = objects.read(ref.target)
        except ObjectNotFound:
            continue
        if found.type == b"commit":
            for parent in commits.commit(found.data).parents:
                yield ObjectID(parent), ref.name
