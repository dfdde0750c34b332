"""
Branches and tags whose history contains a commit.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from protocols.gitaly.ref_pb2 import (
    ListBranchNamesContainingCommitRequest,
    ListBranchNamesContainingCommitResponse,
    ListTagNamesContainingCommitRequest,
    ListTagNamesContainingCommitResponse,
)

from ...git.interfaces import IGit
from ...git.options import Flag
from ...git.refpatterns import RefPatterns
from ...rpc.chunks import batched_stream
from ...storage.interfaces import IRepository, IStorageProvider
from ..defaultbranch import BRANCHES
from ..validate import given, object_id, opened
from .bygit import listed
from .tags import TAGS


async def list_branch_names_containing_commit(
    git: IGit, storage: IStorageProvider, request: ListBranchNamesContainingCommitRequest
) -> AsyncIterator[ListBranchNamesContainingCommitResponse]:
    """
    The short names of the branches, in their order.

    :raises GitalyError: INVALID_ARGUMENT for what is no full id; INTERNAL ``exit status 129`` for a commit that is not there.
    """
    repository = await opened(storage, given(request))
    async with aclosing(_names(git, repository, BRANCHES, request.commit_id, request.limit)) as names:
        async for part in batched_stream(names, len):
            yield ListBranchNamesContainingCommitResponse(branch_names=part)


async def list_tag_names_containing_commit(
    git: IGit, storage: IStorageProvider, request: ListTagNamesContainingCommitRequest
) -> AsyncIterator[ListTagNamesContainingCommitResponse]:
    """
    The same for tags. A tag object counts for the commit that it stands for.
    """
    repository = await opened(storage, given(request))
    async with aclosing(_names(git, repository, TAGS, request.commit_id, request.limit)) as names:
        async for part in batched_stream(names, len):
            yield ListTagNamesContainingCommitResponse(tag_names=part)


async def _names(git: IGit, repository: IRepository, prefix: bytes, commit_id: str, limit: int) -> AsyncGenerator[bytes, None]:
    options = [Flag(f"--contains={object_id(commit_id, repository.object_format)}")]
    if limit:
        options.append(Flag(f"--count={limit}"))
    async with aclosing(listed(git, repository, RefPatterns([prefix]), options)) as parts:
        async for part in parts:
            for ref in part:
                yield ref.name.removeprefix(prefix)
