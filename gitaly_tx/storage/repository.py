"""
A repository on disk: reads go straight to git's files, writes go through the queue.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from attrs import evolve, frozen
from zope.interface import implementer

from ..errors import GitalyError
from ..git.directory import GitDirectory
from ..git.interfaces import GitObject, IObjectReader, IObjects, IRefs, ObjectInfo, Reference, RefUpdate
from ..git.objectid import ObjectFormat, ObjectID
from ..wal.interfaces import FileChange, Manifest, Partition
from ..wal.threads import InThread
from ..writequeue.interfaces import ICommitter, IWriteQueue
from ..writequeue.transaction import Outcome, Transaction
from . import locator
from .errors import QuarantinedMutation, RepositoryGone
from .interfaces import IRepository, IStaging
from .naming import Place
from .partitions import Lifetime
from .staging import FilesystemStaging, Stagings

T = TypeVar("T")

Admitted = Callable[[], Awaitable[bytes | None]]


@frozen
class Means:
    """
    What the repositories of one storage work with.
    """

    refs: IRefs
    objects: IObjectReader
    queue: IWriteQueue
    committer: ICommitter
    stagings: Stagings
    threads: InThread


@implementer(IRepository)
@frozen(eq=False)
class FilesystemRepository:
    """
    A valid repository.

    Whoever writes is told NOT_FOUND if the repository was removed meanwhile, even if another one is at its path by then: what was
    prepared for the one must not end up in the other.

    :param place: resolved: no symbolic link leads there.
    :param identity: the directory when it was found.
    :param lifetime: shared by all who hold this repository.
    :param object_format: how it names its objects, or why that cannot be said.
    """

    partition: Partition
    directory: GitDirectory
    _object_format: ObjectFormat | GitalyError
    place: Place
    identity: locator.Identity
    lifetime: Lifetime
    means: Means

    @property
    def object_format(self) -> ObjectFormat:
        """
        How it names its objects.

        :raises GitalyError: if the repository's config cannot be read. What does not ask this still works as far as git lets it,
            and git's own words about the config reach the caller.
        """
        if isinstance(self._object_format, GitalyError):
            raise self._object_format
        return self._object_format

    def ref(self, name: bytes) -> Awaitable[Reference | None]:
        """
        One ref, or HEAD.
        """
        return self.means.refs.read(self.directory, name)

    def refs(self, prefixes: Sequence[bytes] = (b"refs/",), hidden: Sequence[bytes] = ()) -> Awaitable[list[Reference]]:
        """
        All refs below ``prefixes`` and not below ``hidden``.
        """
        return self.means.refs.list(self.directory, prefixes, hidden)

    def head(self) -> Awaitable[bytes | None]:
        """
        The ref that HEAD is a name for.
        """
        return self.means.refs.head(self.directory)

    def object(self, oid: ObjectID, maximum: int | None = None) -> Awaitable[GitObject]:
        """
        One object.
        """
        return self.means.objects.read(self.directory, oid, maximum)

    def object_info(self, oids: Sequence[ObjectID]) -> Awaitable[list[ObjectInfo | None]]:
        """
        Types and sizes.
        """
        return self.means.objects.info(self.directory, oids)

    def peel(self, oids: Sequence[ObjectID]) -> Awaitable[list[ObjectID | None]]:
        """
        What tags stand for.
        """
        return self.means.objects.peel(self.directory, oids)

    def look(self, job: Callable[[IObjects], T]) -> Awaitable[T]:
        """
        Several look-ups in one turn in a thread.
        """
        return self.means.objects.look(self.directory, job)

    async def stage(self) -> IStaging:
        """
        Make a quarantine.
        """
        self._refuse_quarantine()
        return await self.means.stagings.make(self.place, self.directory, self.object_format)

    def through(self, staging: IStaging) -> IRepository:
        """
        With what is in a quarantine.
        """
        return evolve(self, directory=staging.directory)

    async def commit(
        self,
        refs: Sequence[RefUpdate] = (),
        *,
        atomic: bool = True,
        staging: IStaging | None = None,
        head: bytes | None = None,
        files: Sequence[FileChange] = (),
        admitted: Admitted | None = None,
    ) -> Outcome:
        """
        Write. If the caller stops waiting after its turn has come, the write still runs to its end, and the staging directory
        stays until then.
        """
        self._refuse_quarantine()
        if staging is not None and not isinstance(staging, FilesystemStaging):
            raise TypeError("staging of another provider")
        manifest = Manifest(self.partition, files=tuple(files), refs=tuple(refs), head=head)
        write = partial(self._write, manifest, atomic, staging, admitted)
        return await self.means.queue.submit(self.partition, write)

    async def maintain(self, job: Callable[[], Awaitable[None]]) -> None:
        """
        Run ``job`` when the turn has come, if the repository is still there.
        """
        self._refuse_quarantine()

        async def checked() -> None:
            await self._look_again()
            await job()

        await self.means.queue.submit(self.partition, checked)

    def _refuse_quarantine(self) -> None:
        if self.directory.object_directory is not None or self.directory.alternates:
            raise QuarantinedMutation(self.place.path)

    async def _look_again(self) -> None:
        if self.lifetime.over:
            raise RepositoryGone(self.place.path)
        await self.means.threads(locator.still_there, self.place, self.identity)

    async def _write(
        self, manifest: Manifest, atomic: bool, staging: FilesystemStaging | None, admitted: Admitted | None
    ) -> Outcome:
        if staging is None:
            return await self._commit(manifest, atomic, None, admitted)
        # From the first moment of the turn on: whoever asked for the write may stop waiting at any time, and discard.
        with staging.used():
            outcome = await self._commit(manifest, atomic, staging, admitted)
        await staging.discard()
        return outcome

    async def _commit(
        self, manifest: Manifest, atomic: bool, staging: FilesystemStaging | None, admitted: Admitted | None
    ) -> Outcome:
        await self._look_again()
        head = None if admitted is None else await admitted()
        if head is not None:
            manifest = evolve(manifest, head=head)
        if staging is not None:
            manifest = evolve(manifest, staged=await staging.staged())
        if manifest == Manifest(self.partition):
            return Outcome({}, None)
        return await self.means.committer.commit(Transaction(manifest, atomic))
