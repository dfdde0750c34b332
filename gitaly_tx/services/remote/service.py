"""
The methods of ``remote.proto``, in its order; each says where it is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from attrs import frozen
from zope.interface import implementer

from protocols.gitaly import remote_pb2 as pb

from ...git.interfaces import IGit
from ...rpc.call import Call
from ...rpc.interfaces import IMethods
from ...storage.interfaces import IStorageProvider
from ...transport.remotefetch import RemoteFetch
from ...transport.remotes import Remotes
from .exists import find_remote_repository
from .mirror import Mirroring, update_remote_mirror
from .rootref import find_remote_root_ref


@implementer(IMethods)
@frozen
class RemoteService:
    """
    Repositories on other servers.
    """

    service: ClassVar[str] = "gitaly.RemoteService"

    _storage: IStorageProvider
    _git: IGit
    _remotes: Remotes
    _fetches: RemoteFetch

    async def UpdateRemoteMirror(
        self, call: Call, requests: AsyncIterator[pb.UpdateRemoteMirrorRequest]
    ) -> pb.UpdateRemoteMirrorResponse:
        return await update_remote_mirror(self._storage, Mirroring(self._git, self._remotes, self._fetches), requests)

    async def FindRemoteRepository(self, call: Call, request: pb.FindRemoteRepositoryRequest) -> pb.FindRemoteRepositoryResponse:
        return await find_remote_repository(self._git, self._remotes, request)

    async def FindRemoteRootRef(self, call: Call, request: pb.FindRemoteRootRefRequest) -> pb.FindRemoteRootRefResponse:
        return await find_remote_root_ref(self._storage, self._git, self._remotes, request)
