"""
Writes in which no hook and no policy has a say, and which others hear of all the same.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred

from protocols.gitaly.shared_pb2 import Repository

from ..errors import GitalyError
from ..git.interfaces import IGit, RefUpdate
from ..git.objectid import ObjectFormat, ObjectID
from ..slices import InSlices
from ..storage.interfaces import IRepository, IStaging, IStorageProvider
from ..wal.interfaces import FileChange
from ..writequeue.transaction import Outcome
from .detached import Detached
from .events import Announcer
from .interfaces import Change, Push, RefsUpdated

T = TypeVar("T")


@define(eq=False)
class Unasked:
    """
    An application keeps refs of its own, fetches, makes and removes repositories. That is no push, nor made as if it were one: no
    hook runs, and the event that sinks hear of names no user.

    Such a write is carried through together with its announcement, whether its caller is still there or not. A caller who leaves
    while it waits for its turn takes its staging directory away, and then nothing is written.
    """

    _announcer: Announcer
    _git: IGit
    _detached: Detached = field(factory=lambda: Detached("write"), init=False)

    async def commit(
        self,
        repository: IRepository,
        refs: Sequence[RefUpdate] = (),
        staging: IStaging | None = None,
        *,
        head: bytes | None = None,
        files: Sequence[FileChange] = (),
    ) -> Outcome:
        """
        Write, all or nothing, as :func:`gitaly_tx.storage.interfaces.IRepository.commit`.
        """
        return await self._detached.run(self._commit(repository, refs, staging, head, files))

    async def create(
        self,
        storage: IStorageProvider,
        message: Repository | None,
        *,
        object_format: ObjectFormat = ObjectFormat.SHA1,
        default_branch: bytes = b"refs/heads/main",
        staging: IStaging | None = None,
        refs: Mapping[bytes, ObjectID] | None = None,
        files: Sequence[FileChange] = (),
    ) -> IRepository:
        """
        Make a repository, as :func:`gitaly_tx.storage.interfaces.IStorageProvider.create`.
        """
        return await self._detached.run(self._create(storage, message, object_format, default_branch, staging, refs, files))

    async def remove(self, storage: IStorageProvider, message: Repository | None) -> None:
        """
        Remove a repository, as :func:`gitaly_tx.storage.interfaces.IStorageProvider.remove`. Nobody hears of what was none.
        """
        await self._detached.run(self._remove(storage, message))

    def carry(self, work: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
        """
        Run something to its end that writes, and then tells what it wrote.

        :returns: fires with its end; cancelling stops the waiting only.
        """
        return self._detached.run(work)

    async def tell(
        self,
        repository: IRepository,
        updates: Sequence[RefUpdate] = (),
        head: bytes | None = None,
        change: Change = Change.MOVED,
    ) -> None:
        """
        Call it once for each write, after it. Nobody hears of one that moves no ref and not HEAD either.
        """
        if change is Change.MOVED and not updates and head is None:
            return
        push = Push(
            repository=repository,
            updates=updates,
            options=(),
            user=None,
            gl_id="",
            gl_repository="",
            project_path="",
            protocol="",
            git=self._git,
            creates=change is Change.CREATED,
        )
        await self._announcer.announce(RefsUpdated(push, updates, head, change))

    def settle(self) -> Deferred[None]:
        """
        :returns: fires when everything has ended that is carried through now.
        """
        return self._detached.settle()

    async def _commit(
        self,
        repository: IRepository,
        refs: Sequence[RefUpdate],
        staging: IStaging | None,
        head: bytes | None,
        files: Sequence[FileChange],
    ) -> Outcome:
        moved: bytes | None = None

        async def look() -> None:
            nonlocal moved
            moved = None if await repository.head() == head else head

        outcome = await repository.commit(refs, staging=staging, head=head, files=files, admitted=None if head is None else look)
        if not outcome.refused:
            await self.tell(repository, refs, moved)
        return outcome

    async def _create(
        self,
        storage: IStorageProvider,
        message: Repository | None,
        object_format: ObjectFormat,
        default_branch: bytes,
        staging: IStaging | None,
        refs: Mapping[bytes, ObjectID] | None,
        files: Sequence[FileChange],
    ) -> IRepository:
        repository = await storage.create(
            message, object_format=object_format, default_branch=default_branch, staging=staging, refs=refs, files=files
        )
        zero = object_format.zero
        made = [RefUpdate(name, zero, oid) async for name, oid in InSlices(sorted((refs or {}).items()))]
        await self.tell(repository, made, default_branch, Change.CREATED)
        return repository

    async def _remove(self, storage: IStorageProvider, message: Repository | None) -> None:
        try:
            repository = await storage.repository(message)
        except GitalyError:
            repository = None  # What can be removed need not be a repository.
        await storage.remove(message)
        if repository is not None:
            await self.tell(repository, change=Change.REMOVED)
