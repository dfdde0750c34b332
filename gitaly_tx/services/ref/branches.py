"""
Branches with their commits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from attrs import frozen

from protocols.gitaly.ref_pb2 import (
    FindAllBranchesRequest,
    FindAllBranchesResponse,
    FindAllRemoteBranchesRequest,
    FindAllRemoteBranchesResponse,
    FindBranchRequest,
    FindBranchResponse,
    FindLocalBranchesRequest,
    FindLocalBranchesResponse,
)
from protocols.gitaly.shared_pb2 import Branch, GitCommit

from ...errors import Code, GitalyError
from ...git.errors import ObjectNotFound
from ...git.interfaces import IGit, Reference
from ...git.mailmaps import Mailmaps
from ...git.options import Flag
from ...git.quoting import quoted
from ...git.reforder import BY_NAME, RefOrder, SortKey
from ...git.refpatterns import RefPatterns
from ...storage.interfaces import IRepository, IStorageProvider
from ..defaultbranch import BRANCHES, default_branch
from ..validate import given, opened
from .bygit import ListingFailed, all_listed
from .messages import Messages
from .paging import paged
from .select import selected

_ORDERS: Mapping[int, RefOrder] = {
    FindLocalBranchesRequest.UPDATED_ASC: RefOrder(SortKey.COMMITTER_DATE),
    FindLocalBranchesRequest.UPDATED_DESC: RefOrder(SortKey.COMMITTER_DATE, descending=True),
}


@frozen
class BranchCommits:
    """
    Where the commits of branches come from.
    """

    mailmaps: Mailmaps
    messages: Messages[GitCommit]


async def find_local_branches(
    storage: IStorageProvider, commits: BranchCommits, request: FindLocalBranchesRequest
) -> AsyncIterator[FindLocalBranchesResponse]:
    """
    What is below ``refs/heads``, by full name.

    :raises GitalyError: INTERNAL if a branch points at what is no commit, or for a page token that is not met.
    """
    repository = await opened(storage, given(request))
    try:
        refs = await selected(repository, RefPatterns([BRANCHES]), order=_ORDERS.get(request.sort_by, BY_NAME))
    except ObjectNotFound as error:
        raise GitalyError("finding refs: listing failed with exit code 128", Code.INTERNAL, error.facts) from error
    page = paged(refs, request.pagination_params if request.HasField("pagination_params") else None)
    if page is None:
        raise GitalyError("finding refs: sending lines: could not find page token", Code.INTERNAL)
    async for part in _with_commits(repository, commits, page):
        yield FindLocalBranchesResponse(local_branches=_branches(part))


async def find_all_branches(
    git: IGit, storage: IStorageProvider, commits: BranchCommits, request: FindAllBranchesRequest
) -> AsyncIterator[FindAllBranchesResponse]:
    """
    Local and remote branches; with ``merged_only``, those that the default branch contains, or of the ones named those.

    :raises GitalyError: INTERNAL if a branch points at what is no commit, or nothing can be merged because there is no branch.
    """
    repository = await opened(storage, given(request))
    patterns = RefPatterns([b"refs/heads", b"refs/remotes"])
    if request.merged_only:
        try:
            branch = await default_branch(repository)
        except GitalyError as error:
            raise error.wrapped("default branch name") from error
        if request.merged_branches:
            patterns = RefPatterns(request.merged_branches)
        try:
            refs: Sequence[Reference] = await all_listed(git, repository, patterns, [Flag(b"--merged=" + branch)])
        except ListingFailed as error:
            text = f"finding refs: listing failed with exit code {error.status}"
            raise GitalyError(text, Code.INTERNAL, error.facts) from error
    else:
        refs = await selected(repository, patterns)
    async for part in _with_commits(repository, commits, refs):
        yield FindAllBranchesResponse(
            branches=[FindAllBranchesResponse.Branch(name=ref.name, target=commit) for ref, commit in part]
        )


async def find_all_remote_branches(
    storage: IStorageProvider, commits: BranchCommits, request: FindAllRemoteBranchesRequest
) -> AsyncIterator[FindAllRemoteBranchesResponse]:
    """
    What is below ``refs/remotes/<remote>``, by full name.

    :raises GitalyError: INVALID_ARGUMENT ``empty RemoteName``; INTERNAL if a branch points at what is no commit.
    """
    repository = await opened(storage, given(request))
    if not request.remote_name:
        raise GitalyError("empty RemoteName", Code.INVALID_ARGUMENT)
    refs = await selected(repository, RefPatterns([b"refs/remotes/" + request.remote_name.encode("utf-8")]))
    async for part in _with_commits(repository, commits, refs):
        yield FindAllRemoteBranchesResponse(branches=_branches(part))


async def find_branch(storage: IStorageProvider, commits: BranchCommits, request: FindBranchRequest) -> FindBranchResponse:
    """
    One branch by its short name; without ``branch`` if there is none.

    :raises GitalyError: INVALID_ARGUMENT for an empty name, and for one that is a pattern or the beginning of other branches'
        names; INTERNAL ``object not found`` if the branch points at what is no commit.
    """
    repository = await opened(storage, given(request))
    if not request.name:
        raise GitalyError("Branch name cannot be empty", Code.INVALID_ARGUMENT)
    found = await repository.ref(BRANCHES + request.name)
    if found is None:
        others = await selected(repository, RefPatterns([BRANCHES + request.name]))
        if others:
            conflict = f"reference is ambiguous: conflicts with {quoted(others[0].name)}"
            raise GitalyError(f"target reference is ambiguous: {conflict}", Code.INVALID_ARGUMENT)
        return FindBranchResponse()
    commit = await commits.messages.one(repository, await commits.mailmaps.of(repository), found)
    return FindBranchResponse(branch=Branch(name=request.name, target_commit=commit))


def _branches(found: Sequence[tuple[Reference, GitCommit]]) -> list[Branch]:
    return [Branch(name=ref.name, target_commit=commit) for ref, commit in found]


async def _with_commits(
    repository: IRepository, commits: BranchCommits, refs: Sequence[Reference]
) -> AsyncIterator[list[tuple[Reference, GitCommit]]]:
    if not refs:
        return
    try:
        async for part in commits.messages.of(repository, await commits.mailmaps.of(repository), refs):
            yield part
    except GitalyError as error:
        raise error.wrapped("finding refs: sending lines") from error
