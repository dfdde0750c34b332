"""
Is there a ref?
"""

from __future__ import annotations

from protocols.gitaly.ref_pb2 import RefExistsRequest, RefExistsResponse

from ...errors import Code, GitalyError
from ...git.peeling import info
from ...storage.interfaces import IStorageProvider
from ..validate import given, opened


async def ref_exists(storage: IStorageProvider, request: RefExistsRequest) -> RefExistsResponse:
    """
    A name that no ref can have is not there; nothing in it is a pattern.

    :raises GitalyError: INVALID_ARGUMENT ``invalid refname`` for a name that is not below ``refs/``; INTERNAL ``exit status 128``
        if what the ref points at is missing.
    """
    repository = await opened(storage, given(request))
    if not request.ref.startswith(b"refs/"):
        raise GitalyError("invalid refname", Code.INVALID_ARGUMENT, {"ref": request.ref})
    ref = await repository.ref(request.ref)
    if ref is None:
        return RefExistsResponse(value=False)
    target = ref.target
    if await repository.glance(lambda objects: info(objects, target)) is None:
        raise GitalyError("exit status 128", Code.INTERNAL, {"ref": request.ref, "oid": str(target)})
    return RefExistsResponse(value=True)
