"""
What tag objects hold.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

from protocols.gitaly.ref_pb2 import (
    GetTagMessagesRequest,
    GetTagMessagesResponse,
    GetTagSignaturesRequest,
    GetTagSignaturesResponse,
)

from ...errors import Code, GitalyError
from ...git.interfaces import GitObject, IGit, IObjects
from ...git.names import is_valid_ref, validate_revision
from ...git.objectid import ObjectID
from ...git.parse.tag import split_signature
from ...git.revisions import resolve
from ...git.revlist import WalkFailed, walked
from ...git.tags import tagged
from ...rpc.chunks import CHUNK, batched_stream
from ...storage.interfaces import IRepository, IStorageProvider
from ..validate import given, opened

Signature = GetTagSignaturesResponse.TagSignature

_TAGS_ONLY = ("--in-commit-order", "--objects", "--no-object-names", "--filter=object:type=tag", "--filter-provided-objects")

_LARGEST = 64 << 20
"""Bytes of a tag object."""

_FULL_ID = re.compile(r"[0-9a-f]+\Z")


async def get_tag_messages(
    git: IGit, storage: IStorageProvider, request: GetTagMessagesRequest
) -> AsyncIterator[GetTagMessagesResponse]:
    """
    The whole messages, as they are, each after a reply that names its tag.

    :raises GitalyError: INTERNAL for what does not exist or is no tag.
    """
    repository = await opened(storage, given(request))
    for tag_id in request.tag_ids:
        found = await _tag(git, repository, tag_id)
        yield GetTagMessagesResponse(tag_id=tag_id)
        message = found.data.partition(b"\n\n")[2]
        for start in range(0, len(message), CHUNK):
            yield GetTagMessagesResponse(message=message[start : start + CHUNK])


async def _tag(git: IGit, repository: IRepository, revision: str) -> GitObject:
    oid = await resolve(git, repository, revision.encode("utf-8"))
    info = None if oid is None else (await repository.object_info([oid]))[0]
    if oid is None or info is None:
        raise GitalyError("getting tag: object not found", Code.INTERNAL, {"tag": revision})
    if info.type != b"tag":
        raise GitalyError(f"getting tag: expected tag, got {info.type.decode('ascii')}", Code.INTERNAL, {"tag": revision})
    return await repository.object(oid, _LARGEST)


async def get_tag_signatures(
    git: IGit, storage: IStorageProvider, request: GetTagSignaturesRequest
) -> AsyncIterator[GetTagSignaturesResponse]:
    """
    The tag objects among and behind the revisions, each once: what was signed, and the signature.

    :raises GitalyError: INVALID_ARGUMENT for revisions that are none; INTERNAL for what cannot be resolved.
    """
    repository = await opened(storage, given(request))
    revisions = [revision.encode("utf-8") for revision in request.tag_revisions]
    if not revisions:
        raise GitalyError("missing revisions", Code.INVALID_ARGUMENT)
    for revision in revisions:
        try:
            validate_revision(revision, allow_pseudo=True)
        except GitalyError as error:
            raise error.wrapped("invalid revision") from error
    async with aclosing(_signatures(git, repository, revisions)) as signatures:
        async for part in batched_stream(signatures, Signature.ByteSize):
            yield GetTagSignaturesResponse(signatures=part)


async def _signatures(git: IGit, repository: IRepository, revisions: Sequence[bytes]) -> AsyncGenerator[Signature, None]:
    found = await _without_walk(repository, revisions)
    if found is not None:
        for oid in found:
            yield _signature(await repository.object(oid, _LARGEST))
        return
    try:
        async with aclosing(walked(git, repository.directory, _TAGS_ONLY, revisions)) as batches:
            async for batch in batches:
                for line in batch:
                    yield _signature(await repository.object(ObjectID(line), _LARGEST))
    except WalkFailed as error:
        raise error.wrapped("cat-file iterator stop") from error


def _signature(tag: GitObject) -> Signature:
    content, signature = split_signature(tag.data)
    return Signature(tag_id=str(tag.oid), signature=signature, content=content)


async def _without_walk(repository: IRepository, revisions: Sequence[bytes]) -> Sequence[ObjectID] | None:
    """
    Tags can only be reached from the revisions themselves or from other tags, so as long as nothing is excluded there is no need
    to walk over commits.

    :returns: ``None`` if git must be asked: for anything but full ids and full names of refs, and for what does not exist.
    """
    starts: list[ObjectID] = []
    for revision in revisions:
        if len(revision) == repository.object_format.hex_length and _FULL_ID.match(revision.decode("utf-8", "replace")):
            starts.append(ObjectID(revision))
            continue
        ref = await repository.ref(revision) if is_valid_ref(revision) else None
        if ref is None:
            return None
        starts.append(ref.target)

    def follow(objects: IObjects) -> Sequence[ObjectID] | None:
        found: dict[ObjectID, None] = {}
        for start in starts:
            oid = start
            while (info := objects.info(oid)) is not None and info.type == b"tag":
                found[oid] = None
                oid = tagged(oid, objects.read(oid, _LARGEST).data)
            if info is None:
                return None
        return list(found)

    return await repository.look(follow)
