"""
Is there a ref?
"""

from __future__ import annotations

from protocols.gitaly.ref_pb2 import RefExistsRequest, RefExistsResponse

from ...errors import Code, GitalyError
from ...storage.interfaces import IStorageProvider
from ..validate import given, opened


async def ref_exists(storage: IStorageProvider, request: RefExistsRequest) -> RefExistsResponse:
    """
    A name that no ref can have is not there; nothing in it is a pattern.

    :raises GitalyError: INVALID_ARGUMENT ``invalid refname`` for a name that is not below ``refs/``.
    """
    repository = await opened(storage, given(request))
    if not request.ref.startswith(b"refs/"):
        raise GitalyError("invalid refname", Code.INVALID_ARGUMENT, {"ref": request.ref})
    return RefExistsResponse(value=await repository.ref(request.ref) is not None)
