"""
The methods of ``operations.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import operations_pb2 as pb

from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from .apply_patch import user_apply_patch
from .branches import user_create_branch, user_delete_branch, user_update_branch
from .cherry_pick import user_cherry_pick
from .commit_files import user_commit_files
from .ff_branch import user_ff_branch
from .merge_branch import user_merge_branch
from .merge_to_ref import user_merge_to_ref
from .ports import OperationPorts
from .rebase_confirmable import user_rebase_confirmable
from .rebase_to_ref import user_rebase_to_ref
from .revert import user_revert
from .squash import user_squash
from .submodule import user_update_submodule
from .tags import user_create_tag, user_delete_tag


@implementer(IMethods)
@frozen
class OperationService:
    """
    What users do to repositories in an application: branches, tags, merges, commits.
    """

    service: ClassVar[str] = "gitaly.OperationService"

    _ports: OperationPorts

    async def UserCreateBranch(self, call: Call, request: pb.UserCreateBranchRequest) -> pb.UserCreateBranchResponse:
        return await user_create_branch(self._ports, call, request)

    async def UserUpdateBranch(self, call: Call, request: pb.UserUpdateBranchRequest) -> pb.UserUpdateBranchResponse:
        return await user_update_branch(self._ports, call, request)

    async def UserDeleteBranch(self, call: Call, request: pb.UserDeleteBranchRequest) -> pb.UserDeleteBranchResponse:
        return await user_delete_branch(self._ports, call, request)

    async def UserCreateTag(self, call: Call, request: pb.UserCreateTagRequest) -> pb.UserCreateTagResponse:
        return await user_create_tag(self._ports, call, request)

    async def UserDeleteTag(self, call: Call, request: pb.UserDeleteTagRequest) -> pb.UserDeleteTagResponse:
        return await user_delete_tag(self._ports, call, request)

    async def UserMergeToRef(self, call: Call, request: pb.UserMergeToRefRequest) -> pb.UserMergeToRefResponse:
        return await user_merge_to_ref(self._ports, call, request)

    async def UserRebaseToRef(self, call: Call, request: pb.UserRebaseToRefRequest) -> pb.UserRebaseToRefResponse:
        return await user_rebase_to_ref(self._ports, call, request)

    def UserMergeBranch(
        self, call: Call, requests: AsyncIterator[pb.UserMergeBranchRequest]
    ) -> AsyncGenerator[pb.UserMergeBranchResponse, None]:
        return user_merge_branch(self._ports, call, requests)

    async def UserFFBranch(self, call: Call, request: pb.UserFFBranchRequest) -> pb.UserFFBranchResponse:
        return await user_ff_branch(self._ports, call, request)

    async def UserCherryPick(self, call: Call, request: pb.UserCherryPickRequest) -> pb.UserCherryPickResponse:
        return await user_cherry_pick(self._ports, call, request)

    async def UserCommitFiles(self, call: Call, requests: AsyncIterator[pb.UserCommitFilesRequest]) -> pb.UserCommitFilesResponse:
        return await user_commit_files(self._ports, call, requests)

    def UserRebaseConfirmable(
        self, call: Call, requests: AsyncIterator[pb.UserRebaseConfirmableRequest]
    ) -> AsyncGenerator[pb.UserRebaseConfirmableResponse, None]:
        return user_rebase_confirmable(self._ports, call, requests)

    async def UserRevert(self, call: Call, request: pb.UserRevertRequest) -> pb.UserRevertResponse:
        return await user_revert(self._ports, call, request)

    async def UserSquash(self, call: Call, request: pb.UserSquashRequest) -> pb.UserSquashResponse:
        return await user_squash(self._ports, call, request)

    async def UserApplyPatch(self, call: Call, requests: AsyncIterator[pb.UserApplyPatchRequest]) -> pb.UserApplyPatchResponse:
        return await user_apply_patch(self._ports, call, requests)

    async def UserUpdateSubmodule(self, call: Call, request: pb.UserUpdateSubmoduleRequest) -> pb.UserUpdateSubmoduleResponse:
        return await user_update_submodule(self._ports, call, request)
