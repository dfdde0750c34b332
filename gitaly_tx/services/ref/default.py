"""
The default branch.
"""

from __future__ import annotations

from protocols.gitaly.ref_pb2 import FindDefaultBranchNameRequest, FindDefaultBranchNameResponse

from ...errors import GitalyError
from ...storage.interfaces import IStorageProvider
from ..defaultbranch import default_branch, head_reference
from ..validate import given, opened


async def find_default_branch_name(
    storage: IStorageProvider, request: FindDefaultBranchNameRequest
) -> FindDefaultBranchNameResponse:
    """
    The full name of the default branch; empty if there is no branch at all. With ``head_only`` it is what HEAD is a name for, if
    that does not exist, too.

    :raises GitalyError: INTERNAL for a HEAD that is no name for a ref.
    """
    repository = await opened(storage, given(request))
    find, purpose = (head_reference, "head reference") if request.head_only else (default_branch, "get default branch")
    try:
        return FindDefaultBranchNameResponse(name=await find(repository))
    except GitalyError as error:
        raise error.wrapped(purpose) from error
