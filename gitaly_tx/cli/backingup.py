"""
The work of ``gitaly-tx backup`` and ``gitaly-tx restore``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Protocol

from attrs import frozen
from google.protobuf.message import Message
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.python.failure import Failure

from protocols.gitaly.internal_pb2 import WalkReposRequest
from protocols.gitaly.repository_pb2 import (
    BackupRepositoryRequest,
    BackupRepositoryResponse,
    RestoreRepositoryRequest,
)
from protocols.gitaly.shared_pb2 import Repository

from ..client.interfaces import PeerError
from ..client.peers import Peers

Say = Callable[[str], None]


class Asked(Protocol):
    """
    What is needed of a server.
    """

    def unary(self, method: str, request: Message) -> Awaitable[Any]:
        """
        One request, one reply.
        """

    def replies(self, method: str, request: Message) -> AsyncIterator[Any]:
        """
        One request, many replies.
        """


@frozen
class Wish:
    """
    What is to be backed up.

    :param paths: the repositories; all if there are none.
    """

    storage: str
    paths: Sequence[str]
    backup_id: str
    incremental: bool
    jobs: int


async def asked(address: str, token: str, work: Callable[[Asked], Awaitable[int]]) -> int:
    """
    Do some work with a server.

    :param token: the secret to show; empty for none.
    """
    peers = Peers(time.time)
    try:
        return await work(peers.at(address, token))
    finally:
        await peers.close()


async def backup(wish: Wish, say: Say, server: Asked) -> int:
    """
    Have repositories backed up, some at once.

    :raises PeerError: if they cannot be listed.
    """
    counted: Counter[str] = Counter()
    unexpected: list[Failure] = []
    places = DeferredSemaphore(wish.jobs)

    async def one(path: str) -> None:
        repository = Repository(storage_name=wish.storage, relative_path=path)
        request = BackupRepositoryRequest(
            repository=repository, vanity_repository=repository, backup_id=wish.backup_id, incremental=wish.incremental
        )
        try:
            await server.unary("RepositoryService/BackupRepository", request)
        except PeerError as error:
            skipped = any(isinstance(detail, BackupRepositoryResponse.SkippedError) for detail in error.details)
            counted["unchanged" if skipped else "failed"] += 1
            if not skipped:
                say(f"{path}: {error.message}")
        else:
            counted["backed up"] += 1
        finally:
            places.release()

    async for path in _paths(server, wish):
        await places.acquire()
        Deferred.fromCoroutine(one(path)).addErrback(unexpected.append)
    for _ in range(wish.jobs):
        await places.acquire()  # who has all of them has waited for everybody
    for failure in unexpected:
        failure.raiseException()
    say(f"{wish.backup_id}: " + ", ".join(f"{counted[what]} {what}" for what in ("backed up", "unchanged", "failed")))
    return 1 if counted["failed"] else 0


async def restore(storage: str, path: str, backup_id: str, to: str, say: Say, server: Asked) -> int:
    """
    Have a repository brought back.

    :raises PeerError: if it cannot be.
    """
    request = RestoreRepositoryRequest(
        repository=Repository(storage_name=storage, relative_path=to or path),
        vanity_repository=Repository(storage_name=storage, relative_path=path),
        backup_id=backup_id,
    )
    await server.unary("RepositoryService/RestoreRepository", request)
    say(f"{to or path} is what it was")
    return 0


async def _paths(server: Asked, wish: Wish) -> AsyncIterator[str]:
    if wish.paths:
        for path in wish.paths:
            yield path
        return
    async for reply in server.replies("InternalGitaly/WalkRepos", WalkReposRequest(storage_name=wish.storage)):
        yield reply.relative_path


__all__ = ["Asked", "Wish", "asked", "backup", "restore"]
