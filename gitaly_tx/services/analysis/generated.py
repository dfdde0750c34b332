"""
Is a blob something that a program made?
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Final

from attrs import frozen

from protocols.gitaly.analysis_pb2 import CheckBlobsGeneratedRequest, CheckBlobsGeneratedResponse

from ...errors import Code, GitalyError
from ...git.contents import contents
from ...git.interfaces import IGit, IObjects, ObjectInfo
from ...git.names import validate_revision
from ...git.objectid import ObjectID
from ...git.peeling import info
from ...git.revisions import look_at
from ...linguist.interfaces import BEGINNING, ILinguist
from ...rpc.chunks import REPLY
from ...storage.interfaces import IRepository, IStorageProvider
from ..validate import given, opened

_Asked = CheckBlobsGeneratedRequest.Blob
_Answer = CheckBlobsGeneratedResponse.Blob

_AT_ONCE: Final = 256
"""Blobs that the linguist is asked about at once."""


@frozen
class Means:
    """
    What this works with.
    """

    storage: IStorageProvider
    git: IGit
    linguist: ILinguist


async def check_blobs_generated(
    means: Means, requests: AsyncIterator[CheckBlobsGeneratedRequest]
) -> AsyncIterator[CheckBlobsGeneratedResponse]:
    """
    What linguist's rules say of blobs, by the path that the caller gives each and the beginning of its content. Attributes of the
    repository do not count. Each request is answered by itself.

    :raises GitalyError: INVALID_ARGUMENT ``validating request: …``, before anything of that request is looked up, and for what is
        no blob; INTERNAL ``reading object: object not found``.
    """
    repository: IRepository | None = None
    async for request in requests:
        if repository is None:
            repository = await opened(means.storage, given(request))
        _validate(request.blobs)
        batch: list[_Answer] = []
        weight = 0
        for start in range(0, len(request.blobs), _AT_ONCE):
            for answer in await _answers(means, repository, request.blobs[start : start + _AT_ONCE]):
                size = answer.ByteSize() + 4
                if batch and weight + size >= REPLY:
                    yield CheckBlobsGeneratedResponse(blobs=batch)
                    batch, weight = [], 0
                batch.append(answer)
                weight += size
        yield CheckBlobsGeneratedResponse(blobs=batch)
    if repository is None:
        raise GitalyError("receiving first request: EOF", Code.INTERNAL)


def _validate(blobs: Sequence[_Asked]) -> None:
    if not blobs:
        raise GitalyError("validating request: empty blobs", Code.INVALID_ARGUMENT)
    for blob in blobs:
        try:
            validate_revision(blob.revision, allow_path=True)
            if not blob.path:
                raise GitalyError("empty path", Code.INVALID_ARGUMENT)
        except GitalyError as error:
            raise error.wrapped("validating request") from error


async def _answers(means: Means, repository: IRepository, blobs: Sequence[_Asked]) -> list[_Answer]:
    files = [(blob.path, await _beginning(means.git, repository, blob.revision)) for blob in blobs]
    natures = await means.linguist.natures(files)
    return [_Answer(revision=blob.revision, generated=nature.generated) for blob, nature in zip(blobs, natures, strict=True)]


async def _beginning(git: IGit, repository: IRepository, revision: bytes) -> bytes:
    found = await look_at(git, repository, revision, _info)
    if found is None:
        raise GitalyError("reading object: object not found", Code.INTERNAL)
    if found.type != b"blob":
        raise GitalyError("object is not a blob", Code.INVALID_ARGUMENT)
    async with aclosing(contents(git, repository, found, BEGINNING)) as pieces:
        return b"".join([piece async for piece in pieces])


def _info(objects: IObjects, oid: ObjectID) -> ObjectInfo | None:
    return info(objects, oid)
