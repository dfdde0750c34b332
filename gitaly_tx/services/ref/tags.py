"""
Tags with their messages and commits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from attrs import frozen

from protocols.gitaly import shared_pb2
from protocols.gitaly.errors_pb2 import ReferenceNotFoundError
from protocols.gitaly.ref_pb2 import FindAllTagsRequest, FindAllTagsResponse, FindTagError, FindTagRequest, FindTagResponse
from protocols.gitaly.shared_pb2 import Tag

from ...errors import Code, GitalyError
from ...git import peeling
from ...git.errors import ObjectNotFound, ObjectTooLarge
from ...git.interfaces import GitObject, IObjects, Reference
from ...git.mailmaps import Mailmaps
from ...git.objectid import ObjectID
from ...git.options import positional
from ...git.parse.mailmap import Mailmap
from ...git.reforder import RefOrder, SortKey
from ...git.refpatterns import LONGEST, RefPatterns
from ...git.tags import tagged
from ...git.wildmatch import SPECIAL, compiled
from ...storage.interfaces import IRepository, IStorageProvider
from ..validate import given, opened
from ..wire import tag_message
from .messages import Messages
from .paging import paged
from .select import selected

TAGS = b"refs/tags/"

_ORDINARY = 1 << 20
"""Bytes of an object that is read before it is known what it is."""

_KEYS: Mapping[int, SortKey] = {
    FindAllTagsRequest.SortBy.REFNAME: SortKey.NAME,
    FindAllTagsRequest.SortBy.CREATORDATE: SortKey.CREATOR_DATE,
    FindAllTagsRequest.SortBy.VERSION_REFNAME: SortKey.VERSION,
}

_DIRECTIONS = {shared_pb2.ASCENDING: False, shared_pb2.DESCENDING: True}


@frozen
class TagDetails:
    """
    Where messages and commits of tags come from.
    """

    mailmaps: Mailmaps
    messages: Messages[Tag]


async def find_all_tags(
    storage: IStorageProvider, details: TagDetails, request: FindAllTagsRequest
) -> AsyncIterator[FindAllTagsResponse]:
    """
    All tags, cut into messages by size.

    :raises GitalyError: INVALID_ARGUMENT for an unknown order and for a page token that is not met; INTERNAL if an object is
        missing.
    """
    repository = await opened(storage, given(request))
    order = _order(request.sort_by)
    try:
        refs = await selected(repository, RefPatterns([TAGS]), order=order)
        page = paged(refs, request.pagination_params if request.HasField("pagination_params") else None)
        if page is None:
            raise GitalyError("could not find page token", Code.INVALID_ARGUMENT)
        if page:
            mailmap = await details.mailmaps.of(repository)
            async for part in details.messages.of(repository, mailmap, page):
                yield FindAllTagsResponse(tags=[tag for _, tag in part])
    except ObjectNotFound as error:
        raise GitalyError(f"iterating over tags: {error.message}", Code.INTERNAL, error.facts) from error


def _order(asked: FindAllTagsRequest.SortBy) -> RefOrder:
    descending = _DIRECTIONS.get(asked.direction)
    if descending is None:
        raise GitalyError(f"unsupported sorting direction: {int(asked.direction)}", Code.INVALID_ARGUMENT)
    key = _KEYS.get(asked.key)
    if key is None:
        raise GitalyError(f"unsupported sorting key: {int(asked.key)}", Code.INVALID_ARGUMENT)
    return RefOrder(key, descending)


def tag_of(objects: IObjects, ref: Reference, mailmap: Mailmap) -> Tag:
    """
    :raises ObjectNotFound: if the ref's object, or the one that a tag stands for, is missing.
    """
    found = target = _read(objects, ref.target)
    while target is not None and target.type == b"tag":
        target = _tagged(objects, target)
    if found is None:
        return Tag(name=ref.name.removeprefix(TAGS), id=str(ref.target))
    return tag_message(ref.name.removeprefix(TAGS), found, target, mailmap)


def _read(objects: IObjects, oid: ObjectID) -> GitObject | None:
    """
    An object; ``None`` if it is a large one and neither commit nor tag.
    """
    try:
        return objects.read(oid, _ORDINARY)
    except ObjectTooLarge:
        info = objects.info(oid)
        return peeling.read(objects, oid) if info is not None and info.type in (b"commit", b"tag") else None


def _tagged(objects: IObjects, tag: GitObject) -> GitObject | None:
    """
    What a tag names, if it says that it is a commit or a tag.
    """
    oid = tagged(tag.oid, tag.data)
    kind = tag.data.split(b"\n", 2)[1]
    return peeling.read(objects, oid) if kind in (b"type commit", b"type tag") else None


async def find_tag(storage: IStorageProvider, details: TagDetails, request: FindTagRequest) -> FindTagResponse:
    """
    One tag by its short name, or the first one whose name matches a pattern, in which a star is anything.

    :raises GitalyError: INVALID_ARGUMENT ``tag name is empty``; NOT_FOUND ``tag does not exist``.
    """
    repository = await opened(storage, given(request))
    if not request.tag_name:
        raise GitalyError("tag name is empty", Code.INVALID_ARGUMENT)
    try:
        name = positional(request.tag_name)
    except GitalyError as error:
        raise error.wrapped("for-each-ref error", Code.INTERNAL) from error
    found = await _first(repository, name)
    if found is None:
        detail = FindTagError(tag_not_found=ReferenceNotFoundError(reference_name=TAGS + name))
        raise GitalyError("tag does not exist", Code.NOT_FOUND, {"tag": name}, (detail,))
    mailmap = await details.mailmaps.of(repository)
    try:
        return FindTagResponse(tag=await details.messages.one(repository, mailmap, found))
    except ObjectNotFound as error:
        raise GitalyError(error.message, Code.INTERNAL, error.facts) from error


async def _first(repository: IRepository, name: bytes) -> Reference | None:
    if not SPECIAL.search(name):
        return await repository.ref(TAGS + name)
    if len(name) > LONGEST:
        return None
    matches = compiled(name, components=False)
    refs = await repository.refs((TAGS,))
    return next((ref for ref in refs if matches(ref.name.removeprefix(TAGS)) is not None), None)
