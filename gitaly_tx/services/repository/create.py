"""
A new, empty repository.
"""

from __future__ import annotations

from protocols.gitaly import shared_pb2
from protocols.gitaly.repository_pb2 import CreateRepositoryRequest, CreateRepositoryResponse

from ...errors import Code, GitalyError
from ...git.objectid import ObjectFormat
from ...hooks.unasked import Unasked
from ...storage.interfaces import IStorageProvider
from ..validate import given

_FROM_WIRE = {
    shared_pb2.OBJECT_FORMAT_UNSPECIFIED: ObjectFormat.SHA1,
    shared_pb2.OBJECT_FORMAT_SHA1: ObjectFormat.SHA1,
    shared_pb2.OBJECT_FORMAT_SHA256: ObjectFormat.SHA256,
}


async def create_repository(
    storage: IStorageProvider, unasked: Unasked, request: CreateRepositoryRequest
) -> CreateRepositoryResponse:
    """
    Make a bare repository; HEAD is a name for the branch that is asked for, or ``main``.

    :raises GitalyError: INVALID_ARGUMENT ``unknown object format: "99"``, after what there is to say of the name;
        ALREADY_EXISTS; INTERNAL for a branch name that git refuses.
    """
    repository = given(request)
    object_format = _FROM_WIRE.get(request.object_format)
    if object_format is None:
        await storage.exists(repository)
        raise GitalyError(f'unknown object format: "{int(request.object_format)}"', Code.INVALID_ARGUMENT)
    branch = request.default_branch or b"main"
    await unasked.create(storage, repository, object_format=object_format, default_branch=b"refs/heads/" + branch)
    return CreateRepositoryResponse()
