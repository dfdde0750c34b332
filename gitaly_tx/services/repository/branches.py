"""
Are there branches?
"""

from __future__ import annotations

from protocols.gitaly.repository_pb2 import HasLocalBranchesRequest, HasLocalBranchesResponse

from ...storage.interfaces import IStorageProvider
from ..defaultbranch import has_branches
from ..validate import given, opened


async def has_local_branches(storage: IStorageProvider, request: HasLocalBranchesRequest) -> HasLocalBranchesResponse:
    """
    Whether there is any ref below ``refs/heads/``.
    """
    return HasLocalBranchesResponse(value=await has_branches(await opened(storage, given(request))))
