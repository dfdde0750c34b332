"""
The methods of ``ref.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from attrs import field, frozen
from zope.interface import implementer

from protocols.gitaly import ref_pb2 as pb

from ...git.interfaces import IGit
from ...git.mailmaps import Mailmaps
from ...hooks.unasked import Unasked
from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from ...storage.interfaces import IStorageProvider
from .branches import BranchCommits, find_all_branches, find_all_remote_branches, find_branch, find_local_branches
from .commits import commit_of
from .containing import list_branch_names_containing_commit, list_tag_names_containing_commit
from .default import find_default_branch_name
from .delete import delete_refs
from .exists import ref_exists
from .listing import find_refs_by_oid, list_refs
from .messages import Messages
from .tag_details import get_tag_messages, get_tag_signatures
from .tags import TagDetails, find_all_tags, find_tag, tag_of
from .update import update_references


@implementer(IMethods)
@frozen
class RefService:
    """
    Branches, tags and all other refs.

    :param git: for what needs a walk over history.
    :param mailmaps: shared with whoever else shows commits.
    :param unasked: writes refs.
    """

    service: ClassVar[str] = "gitaly.RefService"

    _git: IGit
    _storage: IStorageProvider
    _mailmaps: Mailmaps
    _unasked: Unasked
    _commits: BranchCommits = field(init=False)
    _tags: TagDetails = field(init=False)

    @_commits.default
    def _branch_commits(self) -> BranchCommits:
        return BranchCommits(self._mailmaps, Messages(commit_of))

    @_tags.default
    def _tag_details(self) -> TagDetails:
        return TagDetails(self._mailmaps, Messages(tag_of))

    async def FindDefaultBranchName(
        self, call: Call, request: pb.FindDefaultBranchNameRequest
    ) -> pb.FindDefaultBranchNameResponse:
        return await find_default_branch_name(self._storage, request)

    def FindLocalBranches(self, call: Call, request: pb.FindLocalBranchesRequest) -> AsyncIterator[pb.FindLocalBranchesResponse]:
        return find_local_branches(self._storage, self._commits, request)

    def FindAllBranches(self, call: Call, request: pb.FindAllBranchesRequest) -> AsyncIterator[pb.FindAllBranchesResponse]:
        return find_all_branches(self._git, self._storage, self._commits, request)

    def FindAllTags(self, call: Call, request: pb.FindAllTagsRequest) -> AsyncIterator[pb.FindAllTagsResponse]:
        return find_all_tags(self._storage, self._tags, request)

    async def FindTag(self, call: Call, request: pb.FindTagRequest) -> pb.FindTagResponse:
        return await find_tag(self._storage, self._tags, request)

    def FindAllRemoteBranches(
        self, call: Call, request: pb.FindAllRemoteBranchesRequest
    ) -> AsyncIterator[pb.FindAllRemoteBranchesResponse]:
        return find_all_remote_branches(self._storage, self._commits, request)

    async def RefExists(self, call: Call, request: pb.RefExistsRequest) -> pb.RefExistsResponse:
        return await ref_exists(self._storage, request)

    async def FindBranch(self, call: Call, request: pb.FindBranchRequest) -> pb.FindBranchResponse:
        return await find_branch(self._storage, self._commits, request)

    async def UpdateReferences(
        self, call: Call, requests: AsyncIterator[pb.UpdateReferencesRequest]
    ) -> pb.UpdateReferencesResponse:
        return await update_references(self._storage, self._unasked, requests)

    async def DeleteRefs(self, call: Call, request: pb.DeleteRefsRequest) -> pb.DeleteRefsResponse:
        return await delete_refs(self._storage, self._unasked, request)

    def ListBranchNamesContainingCommit(
        self, call: Call, request: pb.ListBranchNamesContainingCommitRequest
    ) -> AsyncIterator[pb.ListBranchNamesContainingCommitResponse]:
        return list_branch_names_containing_commit(self._git, self._storage, request)

    def ListTagNamesContainingCommit(
        self, call: Call, request: pb.ListTagNamesContainingCommitRequest
    ) -> AsyncIterator[pb.ListTagNamesContainingCommitResponse]:
        return list_tag_names_containing_commit(self._git, self._storage, request)

    def GetTagSignatures(self, call: Call, request: pb.GetTagSignaturesRequest) -> AsyncIterator[pb.GetTagSignaturesResponse]:
        return get_tag_signatures(self._git, self._storage, request)

    def GetTagMessages(self, call: Call, request: pb.GetTagMessagesRequest) -> AsyncIterator[pb.GetTagMessagesResponse]:
        return get_tag_messages(self._git, self._storage, request)

    def ListRefs(self, call: Call, request: pb.ListRefsRequest) -> AsyncIterator[pb.ListRefsResponse]:
        return list_refs(self._git, self._storage, request)

    async def FindRefsByOID(self, call: Call, request: pb.FindRefsByOIDRequest) -> pb.FindRefsByOIDResponse:
        return await find_refs_by_oid(self._git, self._storage, request)
