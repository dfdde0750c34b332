"""
Repositories that a caller names beside the one that is written to. Another Gitaly may keep them, or this one: they are reached
the same way.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen
from google.protobuf.message import Message

from protocols.gitaly.commit_pb2 import FindCommitRequest
from protocols.gitaly.repository_pb2 import HasLocalBranchesRequest
from protocols.gitaly.shared_pb2 import Repository

from ..client.interfaces import IPeer, IPeers, PeerError
from ..errors import GitalyError
from ..git.interfaces import IGit
from ..git.objectid import ObjectID
from ..rpc.call import Call
from ..storage.interfaces import IRepository, IStaging
from ..transport.peerfetch import fetch_objects


@frozen
class Elsewhere:
    """
    One such repository. Made by :func:`elsewhere`.
    """

    _git: IGit
    _peer: IPeer
    _source: Repository

    async def commit(self, revision: bytes) -> ObjectID | None:
        """
        The id of a commit there; ``None`` if the revision names none.

        :raises GitalyError: if that cannot be found out, with the code that the peer gave.
        """
        reply = await self._ask("CommitService/FindCommit", FindCommitRequest(repository=self._source, revision=revision))
        return ObjectID(reply.commit.id) if reply.HasField("commit") else None

    async def has_branches(self) -> bool:
        """
        Whether it has any.

        :raises GitalyError: as :meth:`commit`.
        """
        reply = await self._ask("RepositoryService/HasLocalBranches", HasLocalBranchesRequest(repository=self._source))
        return bool(reply.value)

    async def bring(self, oid: ObjectID, repository: IRepository, staging: IStaging) -> None:
        """
        Get an object from there, with all that it leads to, unless it is here already.

        :param staging: of ``repository``; where it goes.
        :raises GitalyError: if that does not succeed.
        """
        (known,) = await repository.through(staging).object_info([oid])
        if known is not None:
            return
        try:
            await fetch_objects(self._git, self._peer, self._source, [oid], repository, staging)
        except PeerError as error:
            raise _told(error) from error

    async def _ask(self, method: str, request: Message) -> Any:
        try:
            return await self._peer.unary(method, request)
        except PeerError as error:
            raise _told(error) from error


def _told(error: PeerError) -> GitalyError:
    """
    What another server answered, as Gitaly's own messages hold it.
    """
    return GitalyError(error.described, error.given_code, error.facts, error.details)


def elsewhere(git: IGit, peers: IPeers, call: Call, source: Repository) -> Elsewhere:
    """
    :param source: as the caller names it.
    :raises GitalyError: without a code of its own: ``remote repository: …`` if the caller's metadata do not say where its storage
        is.
    """
    try:
        peer = peers.named(call, source.storage_name)
    except GitalyError as error:
        raise error.wrapped("remote repository") from error
    return Elsewhere(git, peer, source)


__all__ = ["Elsewhere", "elsewhere"]
