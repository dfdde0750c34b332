"""
Are there branches?
"""

from __future__ import annotations

from protocols.gitaly.repository_pb2 import HasLocalBranchesRequest, HasLocalBranchesResponse

from ...storage.interfaces import IRepository, IStorageProvider
from ..validate import given, opened

_BRANCHES = b"refs/heads/"


async def has_local_branches(storage: IStorageProvider, request: HasLocalBranchesRequest) -> HasLocalBranchesResponse:
    """
    Whether there is any ref below ``refs/heads/``.
    """
    return HasLocalBranchesResponse(value=await _any(await opened(storage, given(request))))


async def _any(repository: IRepository) -> bool:
    # HEAD's branch is nearly always there, and one ref is found sooner than all.
    head = await repository.head()
    if head is not None and head.startswith(_BRANCHES) and await repository.ref(head) is not None:
        return True
    return bool(await repository.refs((_BRANCHES,)))
