"""
The methods of ``commit.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import commit_pb2 as pb

from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from .ancestor import commit_is_ancestor
from .blame import raw_blame
from .counting import count_commits, count_diverging_commits
from .existence import check_objects_exist
from .files import list_files
from .find import find_commit, list_commits_by_oid, list_commits_by_ref_name
from .languages import commit_languages
from .last_commit import last_commit_for_path, list_last_commits_for_tree
from .listing import list_all_commits, list_commits
from .log import commits_by_message, find_all_commits, find_commits
from .messages import get_commit_messages
from .ports import CommitPorts
from .signatures import filter_shas_with_signatures, get_commit_signatures
from .stats import commit_stats
from .tree_entries import get_tree_entries
from .tree_entry import tree_entry


@implementer(IMethods)
@frozen
class CommitService:
    """
    What there is to know of commits and of the trees below them.

    """

    service: ClassVar[str] = "gitaly.CommitService"

    _ports: CommitPorts

    def ListCommits(self, call: Call, request: pb.ListCommitsRequest) -> AsyncIterator[pb.ListCommitsResponse]:
        return list_commits(self._ports, request)

    def ListAllCommits(self, call: Call, request: pb.ListAllCommitsRequest) -> AsyncIterator[pb.ListAllCommitsResponse]:
        return list_all_commits(self._ports, request)

    async def CommitIsAncestor(self, call: Call, request: pb.CommitIsAncestorRequest) -> pb.CommitIsAncestorResponse:
        return await commit_is_ancestor(self._ports, request)

    def TreeEntry(self, call: Call, request: pb.TreeEntryRequest) -> AsyncIterator[pb.TreeEntryResponse]:
        return tree_entry(self._ports, request)

    async def CountCommits(self, call: Call, request: pb.CountCommitsRequest) -> pb.CountCommitsResponse:
        return await count_commits(self._ports, request)

    async def CountDivergingCommits(
        self, call: Call, request: pb.CountDivergingCommitsRequest
    ) -> pb.CountDivergingCommitsResponse:
        return await count_diverging_commits(self._ports, request)

    def GetTreeEntries(self, call: Call, request: pb.GetTreeEntriesRequest) -> AsyncIterator[pb.GetTreeEntriesResponse]:
        return get_tree_entries(self._ports, request)

    def ListFiles(self, call: Call, request: pb.ListFilesRequest) -> AsyncIterator[pb.ListFilesResponse]:
        return list_files(self._ports, request)

    async def FindCommit(self, call: Call, request: pb.FindCommitRequest) -> pb.FindCommitResponse:
        return await find_commit(self._ports, request)

    async def CommitStats(self, call: Call, request: pb.CommitStatsRequest) -> pb.CommitStatsResponse:
        return await commit_stats(self._ports, request)

    def FindAllCommits(self, call: Call, request: pb.FindAllCommitsRequest) -> AsyncIterator[pb.FindAllCommitsResponse]:
        return find_all_commits(self._ports, request)

    def FindCommits(self, call: Call, request: pb.FindCommitsRequest) -> AsyncIterator[pb.FindCommitsResponse]:
        return find_commits(self._ports, request)

    async def CommitLanguages(self, call: Call, request: pb.CommitLanguagesRequest) -> pb.CommitLanguagesResponse:
        return await commit_languages(self._ports, request)

    def RawBlame(self, call: Call, request: pb.RawBlameRequest) -> AsyncIterator[pb.RawBlameResponse]:
        return raw_blame(self._ports, request)

    async def LastCommitForPath(self, call: Call, request: pb.LastCommitForPathRequest) -> pb.LastCommitForPathResponse:
        return await last_commit_for_path(self._ports, request)

    def ListLastCommitsForTree(
        self, call: Call, request: pb.ListLastCommitsForTreeRequest
    ) -> AsyncIterator[pb.ListLastCommitsForTreeResponse]:
        return list_last_commits_for_tree(self._ports, request)

    def CommitsByMessage(self, call: Call, request: pb.CommitsByMessageRequest) -> AsyncIterator[pb.CommitsByMessageResponse]:
        return commits_by_message(self._ports, request)

    def ListCommitsByOid(self, call: Call, request: pb.ListCommitsByOidRequest) -> AsyncIterator[pb.ListCommitsByOidResponse]:
        return list_commits_by_oid(self._ports, request)

    def ListCommitsByRefName(
        self, call: Call, request: pb.ListCommitsByRefNameRequest
    ) -> AsyncIterator[pb.ListCommitsByRefNameResponse]:
        return list_commits_by_ref_name(self._ports, request)

    def FilterShasWithSignatures(
        self, call: Call, requests: AsyncIterator[pb.FilterShasWithSignaturesRequest]
    ) -> AsyncIterator[pb.FilterShasWithSignaturesResponse]:
        return filter_shas_with_signatures(self._ports, requests)

    def GetCommitSignatures(
        self, call: Call, request: pb.GetCommitSignaturesRequest
    ) -> AsyncIterator[pb.GetCommitSignaturesResponse]:
        return get_commit_signatures(self._ports, request)

    def GetCommitMessages(self, call: Call, request: pb.GetCommitMessagesRequest) -> AsyncIterator[pb.GetCommitMessagesResponse]:
        return get_commit_messages(self._ports, request)

    def CheckObjectsExist(
        self, call: Call, requests: AsyncIterator[pb.CheckObjectsExistRequest]
    ) -> AsyncIterator[pb.CheckObjectsExistResponse]:
        return check_objects_exist(self._ports, requests)
