"""
Refs of any kind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

from protocols.gitaly import shared_pb2
from protocols.gitaly.ref_pb2 import FindRefsByOIDRequest, FindRefsByOIDResponse, ListRefsRequest, ListRefsResponse

from ...errors import Code, GitalyError
from ...git.errors import ObjectNotFound
from ...git.interfaces import IGit, IObjects, Reference
from ...git.objectid import ObjectID
from ...git.options import Flag
from ...git.peeling import peeled_id
from ...git.reforder import BY_NAME, RefOrder, SortKey
from ...git.refpatterns import RefPatterns
from ...git.revisions import resolve
from ...storage.interfaces import IRepository, IStorageProvider
from ..validate import given, opened
from .bygit import ListingFailed, all_listed
from .paging import in_lines, paged
from .select import selected

_KEYS: Mapping[int, SortKey] = {
    ListRefsRequest.SortBy.REFNAME: SortKey.NAME,
    ListRefsRequest.SortBy.CREATORDATE: SortKey.CREATOR_DATE,
    ListRefsRequest.SortBy.AUTHORDATE: SortKey.AUTHOR_DATE,
    ListRefsRequest.SortBy.COMMITTERDATE: SortKey.COMMITTER_DATE,
}

_DIRECTIONS = {shared_pb2.ASCENDING: False, shared_pb2.DESCENDING: True}


async def list_refs(git: IGit, storage: IStorageProvider, request: ListRefsRequest) -> AsyncIterator[ListRefsResponse]:
    """
    All refs that match, :data:`~gitaly_tx.services.ref.paging.LINES` a message; HEAD before them, if it is asked for and they
    are any.

    :raises GitalyError: INVALID_ARGUMENT for no patterns or an unknown order; INTERNAL ``listing failed with exit code 129`` for
        ``pointing_at_oids`` that name no object, ``… 128`` if an object that is needed is missing.
    """
    repository = await opened(storage, given(request))
    if not request.patterns:
        raise GitalyError("patterns must have at least one entry", Code.INVALID_ARGUMENT)
    order = _order(request.sort_by)
    patterns = RefPatterns(request.patterns)
    pointing_at = [await _named(git, repository, text) for text in request.pointing_at_oids]
    try:
        refs = await selected(repository, patterns, order=order, pointing_at=pointing_at)
        page = paged(refs, request.pagination_params if request.HasField("pagination_params") else None)
        if page is None:
            raise GitalyError("sending lines: could not find page token", Code.INTERNAL)
        first = await repository.ref(b"HEAD") if request.head else None
        for part in in_lines(page):
            replied = [part[0]] if first is None else [first, part[0]]
            reply = await _reply(repository, [*replied, *part[1:]], request.peel_tags)
            if part[-1] is page[-1] and page[-1] is not refs[-1]:
                reply.pagination_cursor.next_cursor = page[-1].name.decode("utf-8", "replace")
            yield reply
            first = None
    except ObjectNotFound as error:
        raise GitalyError("listing failed with exit code 128", Code.INTERNAL, error.facts) from error


async def _reply(repository: IRepository, refs: Sequence[Reference], peel: bool) -> ListRefsResponse:
    peeled: Mapping[ObjectID, ObjectID | None] = {}
    if peel:
        peeled = await repository.look(partial(_peeled, refs=refs))
    reply = ListRefsResponse()
    add = reply.references.add
    for ref in refs:
        # Made where it is sent from: a copy costs as much again.
        made = add(name=ref.name, target=ref.target.decode("ascii"))
        if stands_for := peeled.get(ref.target):
            made.peeled_target = stands_for.decode("ascii")
    return reply


def _peeled(objects: IObjects, refs: Sequence[Reference]) -> dict[ObjectID, ObjectID | None]:
    """
    What the tags among them stand for; ``None`` for what is no tag.

    :raises ObjectNotFound: if something is missing.
    """
    found: dict[ObjectID, ObjectID | None] = {}
    for ref in refs:
        peeled = ref.peeled or peeled_id(objects, ref.target, b"")
        if peeled is None:
            raise ObjectNotFound(ref.target)
        found[ref.target] = None if peeled == ref.target else peeled
    return found


def _order(asked: ListRefsRequest.SortBy) -> RefOrder:
    key = _KEYS.get(asked.key)
    if key is None:
        raise GitalyError(f'sorting key "{int(asked.key)}" is not supported', Code.INVALID_ARGUMENT)
    descending = _DIRECTIONS.get(asked.direction)
    if descending is None:
        raise GitalyError("sorting direction is not supported", Code.INVALID_ARGUMENT)
    return RefOrder(key, descending)


async def _named(git: IGit, repository: IRepository, text: bytes) -> ObjectID:
    found = None if text.startswith(b"-") else await resolve(git, repository, text)
    if found is None:
        raise GitalyError("listing failed with exit code 129", Code.INTERNAL, {"object": text})
    return found


async def find_refs_by_oid(git: IGit, storage: IStorageProvider, request: FindRefsByOIDRequest) -> FindRefsByOIDResponse:
    """
    The names of the refs that point at an object, or at a tag of it.

    :raises GitalyError: INVALID_ARGUMENT ``empty Oid``, or for what is no object's id; INTERNAL for a sort key that git does not
        know.
    """
    repository = await opened(storage, given(request))
    if not request.oid:
        raise GitalyError("empty Oid", Code.INVALID_ARGUMENT)
    patterns = RefPatterns([pattern.encode("utf-8") for pattern in request.ref_patterns] or [b"refs/tags/", b"refs/heads/"])
    order = RefOrder.parse(request.sort_field) if request.sort_field else BY_NAME
    oid = None if request.oid.startswith("-") else await resolve(git, repository, request.oid.encode("utf-8"))
    if oid is None:
        raise GitalyError(_failed("exit status 129"), Code.INVALID_ARGUMENT, {"oid": request.oid})
    try:
        if order is None:
            refs = await _ordered_by_git(git, repository, patterns, oid, request.sort_field)
        else:
            refs = await selected(repository, patterns, order=order, pointing_at=[oid])
    except ObjectNotFound as error:
        raise GitalyError(_failed("exit status 128"), Code.INTERNAL, error.facts) from error
    except ListingFailed as error:
        raise GitalyError(_failed(error.message), Code.INTERNAL, error.facts) from error
    return FindRefsByOIDResponse(refs=[ref.name.decode("utf-8", "replace") for ref in refs[: request.limit or None]])


async def _ordered_by_git(
    git: IGit, repository: IRepository, patterns: RefPatterns, oid: ObjectID, key: str
) -> Sequence[Reference]:
    """
    In an order that only git knows.
    """
    return await all_listed(git, repository, patterns, [Flag(f"--points-at={oid}"), Flag(f"--sort={key}")])


def _failed(ended: str) -> str:
    return f"for-each-ref pipeline command: {ended}"
