"""
A repository made equal to one on another storage.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from posixpath import dirname, join, relpath
from typing import Any, cast

from attrs import frozen
from google.protobuf.unknown_fields import UnknownFieldSet

from protocols.gitaly import repository_pb2 as pb
from protocols.gitaly.objectpool_pb2 import GetObjectPoolRequest
from protocols.gitaly.ref_pb2 import FindDefaultBranchNameRequest
from protocols.gitaly.shared_pb2 import Repository

from ...client.interfaces import IPeer, PeerError
from ...errors import Code, GitalyError
from ...git.alternates import object_directories
from ...git.config import parse_config
from ...git.interfaces import IGit
from ...hooks.hookarchive import MAXIMUM, ArchiveTooLarge, replaced_hooks
from ...pools.disconnect import disconnect
from ...pools.link import link
from ...pools.pool import find_pool
from ...rpc.call import Call
from ...storage.interfaces import IRepository, IStorageProvider, StorageInfo
from ...transport.received import receive_file
from ...transport.remotefetch import Wanted
from ...transport.remotes import Connection
from ...wal.interfaces import FileChange
from ..validate import given
from .fromsnapshot import ARCHIVE, placed, unpacked
from .outward import Outward

_CONFIG = 1 << 20
"""The most bytes of a config file, and of an attributes file."""

_POOLS = 3
"""The field by which clients before Gitaly 18 ask that pools are replicated, too. It has no name any more."""

_UNHIDDEN = ("uploadpack.hideRefs=!refs/",)


async def replicate_repository(
    storage: IStorageProvider, git: IGit, outward: Outward, call: Call, request: pb.ReplicateRepositoryRequest
) -> pb.ReplicateRepositoryResponse:
    """
    Make a repository equal to its source: config, attributes, all refs, HEAD, hooks, and if asked for its pool. One that does not
    exist is made of a snapshot. Repeating it is safe.

    :raises GitalyError: INVALID_ARGUMENT for names; NOT_FOUND ``invalid source repository``; INTERNAL ``replicating repository:
        synchronizing …``.
    """
    target = given(request)
    exists = await _exists(storage, target)
    if not request.HasField("source"):
        raise GitalyError("source repository cannot be empty", Code.INVALID_ARGUMENT)
    if request.source.storage_name == request.repository.storage_name:
        raise GitalyError("repository and source have the same storage", Code.INVALID_ARGUMENT)
    try:
        peer = outward.peers.named(call, request.source.storage_name)
    except GitalyError as error:
        raise error.wrapped("new client", Code.INTERNAL) from error
    replication = _Replication(storage, git, outward, peer, request.source)
    if not exists:
        await replication.create(target)
    reply = await peer.unary("RepositoryService/RepositoryExists", pb.RepositoryExistsRequest(repository=request.source))
    if not reply.exists:
        raise _invalid_source()
    unknown: Any = UnknownFieldSet(request)
    pools = any(field.field_number == _POOLS and field.data for field in unknown)
    await replication.synchronize(await storage.repository(target), pools)
    return pb.ReplicateRepositoryResponse()


async def _exists(storage: IStorageProvider, target: Repository | None) -> bool:
    try:
        return await storage.exists(target)
    except GitalyError as error:
        if error.given_code is not None:
            raise
        return False  # A file, or something unreadable: it is in the way, and goes.


def _invalid_source() -> GitalyError:
    return GitalyError("invalid source repository", Code.NOT_FOUND)


@frozen
class _Replication:
    storage: IStorageProvider
    git: IGit
    outward: Outward
    peer: IPeer
    source: Repository

    async def create(self, target: Repository | None) -> None:
        """
        Make the repository of a snapshot of its source.
        """
        try:
            staging = await self.storage.prepare(target)
        except GitalyError as error:
            if error.code is not Code.ALREADY_EXISTS:
                raise
            await self.storage.remove(target)
            staging = await self.storage.prepare(target)
        try:
            path = join(staging.directory.path, ARCHIVE)
            try:
                replies = self.peer.replies("RepositoryService/GetSnapshot", pb.GetSnapshotRequest(repository=self.source))
                await receive_file(self.outward.in_thread, path, _bytes(replies, lambda reply: reply.data))
            except PeerError as error:
                if error.code in (Code.NOT_FOUND, Code.FAILED_PRECONDITION):
                    raise _invalid_source() from error
                raise error.wrapped("creating repository: extracting snapshot") from error
            made = await unpacked(self.outward, staging)
            await placed(self.outward, target, staging, made)
        finally:
            await staging.discard()

    async def synchronize(self, repository: IRepository, pools: bool) -> None:
        """
        The steps in Gitaly's order.
        """
        config = await self._step("gitconfig", self._config(repository))
        attributes = await self._step("gitattributes", self._attributes())
        await self._step("gitattributes", _written(repository, config, attributes))
        if pools:
            await self._step("object pools", self._pool(repository))
        hooks = await self._step("custom hooks", self._hooks())
        await self._step("references", self._references(repository, hooks))

    async def _step(self, what: str, work: Any) -> Any:
        try:
            return await work
        except GitalyError as error:
            raise error.wrapped(f"replicating repository: synchronizing {what}") from error

    async def _config(self, repository: IRepository) -> FileChange:
        request = pb.GetConfigRequest(repository=self.source)
        content = await _whole(self.peer.replies("RepositoryService/GetConfig", request), lambda reply: reply.data, _CONFIG)
        try:
            found = parse_config(content)
        except ValueError as error:
            raise GitalyError("config cannot be read", Code.FAILED_PRECONDITION) from error
        own = await self.outward.in_thread(_own_config, repository)
        if found.object_format is not repository.object_format or found.ref_storage != own:
            raise GitalyError("repositories have different formats", Code.FAILED_PRECONDITION)
        return FileChange("config", content)

    async def _attributes(self) -> FileChange:
        request = pb.GetInfoAttributesRequest(repository=self.source)
        replies = self.peer.replies("RepositoryService/GetInfoAttributes", request)
        return FileChange("info/attributes", await _whole(replies, lambda reply: reply.attributes, _CONFIG))

    async def _hooks(self) -> tuple[FileChange, ...]:
        request = pb.GetCustomHooksRequest(repository=self.source)
        archive = await _whole(self.peer.replies("RepositoryService/GetCustomHooks", request), lambda reply: reply.data, MAXIMUM)
        changes: tuple[FileChange, ...] = await self.outward.in_thread(replaced_hooks, archive)
        return changes

    async def _pool(self, repository: IRepository) -> None:
        reply = await self.peer.unary("ObjectPoolService/GetObjectPool", GetObjectPoolRequest(repository=self.source))
        theirs = reply.object_pool.repository.relative_path
        own = await self.outward.in_thread(_pool_of, self.storage.storages[repository.partition.storage], repository)
        if own == theirs:
            return
        if not theirs:
            await disconnect(self.git, self.outward.in_thread, repository)
            return
        if own:
            raise GitalyError("target repository links to different object pool", Code.FAILED_PRECONDITION)
        pool = Repository(storage_name=repository.partition.storage, relative_path=theirs)
        if not await self.storage.exists(pool):
            source = Repository(storage_name=self.source.storage_name, relative_path=theirs)
            await _Replication(self.storage, self.git, self.outward, self.peer, source).create(pool)
        await link(self.outward.in_thread, repository, await find_pool(self.storage, pool))

    async def _references(self, repository: IRepository, hooks: tuple[FileChange, ...]) -> None:
        """
        Refs, HEAD and hooks, as one write.
        """
        request = FindDefaultBranchNameRequest(repository=self.source, head_only=True)
        head = (await self.peer.unary("RefService/FindDefaultBranchName", request)).name
        staging = await repository.stage()
        try:
            async with self.outward.pipes.upload_pack(self.peer, self.source, options=_UNHIDDEN) as pipe:
                connection = Connection(pipe.url, pipe.environment)
                wanted = Wanted(["+refs/*:refs/*"], prune=True, checked=False)
                updates = await self.outward.fetches.fetch(repository, staging, connection, wanted, pipe.ends)
            await self.outward.fetches.commit(repository, staging, updates, head or None, hooks)
        finally:
            await staging.discard()


async def _written(repository: IRepository, *files: FileChange) -> None:
    await repository.commit(files=files)


def _own_config(repository: IRepository) -> str:
    """
    How a repository keeps its refs.
    """
    try:
        with open(join(repository.directory.path, "config"), "rb") as file:
            return parse_config(file.read(_CONFIG)).ref_storage
    except (FileNotFoundError, ValueError):
        return "files"


def _pool_of(storage: StorageInfo, repository: IRepository) -> str:
    """
    The path of the pool that a repository borrows from; empty if it borrows from none.
    """
    lent = object_directories(repository.directory)[1:]
    return relpath(dirname(lent[0]), storage.path) if lent else ""


async def _bytes(replies: AsyncIterator[Any], data: Callable[[Any], bytes]) -> AsyncGenerator[bytes, None]:
    async with aclosing(cast("AsyncGenerator[Any, None]", replies)) as messages:
        async for reply in messages:
            yield data(reply)


async def _whole(replies: AsyncIterator[Any], data: Callable[[Any], bytes], maximum: int) -> bytes:
    found = bytearray()
    async with aclosing(_bytes(replies, data)) as pieces:
        async for piece in pieces:
            found += piece
            if len(found) > maximum:
                raise ArchiveTooLarge
    return bytes(found)
