"""
Which objects are there?
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from protocols.gitaly.commit_pb2 import CheckObjectsExistRequest, CheckObjectsExistResponse

from ...errors import Code, GitalyError
from ...git.interfaces import IObjects
from ...git.names import validate_revision
from ...git.objectid import ObjectID
from ...git.peeling import info
from ...git.revisions import look_at
from ...rpc.chunks import REPLY
from ..validate import given, opened
from .ports import CommitPorts

_Existence = CheckObjectsExistResponse.RevisionExistence


async def check_objects_exist(
    ports: CommitPorts, requests: AsyncIterator[CheckObjectsExistRequest]
) -> AsyncIterator[CheckObjectsExistResponse]:
    """
    Each revision, as it was asked for, with whether it stands for an object that is there.

    :raises GitalyError: INVALID_ARGUMENT ``invalid revision: …``, before anything of that request is answered; INTERNAL ``EOF``
        without any request.
    """
    repository = None
    batch: list[_Existence] = []
    weight = 0
    async for request in requests:
        if repository is None:
            repository = await opened(ports.storage, given(request))
        for revision in request.revisions:
            try:
                validate_revision(revision, allow_path=True)
            except GitalyError as error:
                raise error.wrapped("invalid revision") from error
        for revision in request.revisions:
            exists = await look_at(ports.git, repository, revision, _is_there)
            answer = _Existence(name=revision, exists=bool(exists))
            size = answer.ByteSize() + 4
            if batch and weight + size >= REPLY:
                yield CheckObjectsExistResponse(revisions=batch)
                batch, weight = [], 0
            batch.append(answer)
            weight += size
    if repository is None:
        raise GitalyError("EOF", Code.INTERNAL)
    if batch:
        yield CheckObjectsExistResponse(revisions=batch)


def _is_there(objects: IObjects, oid: ObjectID) -> bool:
    return info(objects, oid) is not None
