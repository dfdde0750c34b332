"""
A repository on disk: reads go straight to git's files, writes go through the queue.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TypeVar

from attrs import evolve, frozen
from zope.interface import implementer

from ..errors import GitalyError
from ..git.directory import GitDirectory
from ..git.interfaces import GitObject, IObjectReader, IObjects, IRefs, ObjectInfo, Reference, RefUpdate
from ..git.objectid import ObjectFormat, ObjectID
from ..wal.interfaces import FileChange, Manifest, Partition
from ..writequeue.interfaces import ICommitter
from ..writequeue.transaction import Outcome, Transaction
from . import locator
from .errors import ObjectsPruned, QuarantinedMutation, RepositoryGone
from .interfaces import ALTERNATES, IRepository, IStaging, ITurn
from .naming import Place
from .partitions import Lifetime
from .staging import FilesystemStaging, Stagings
from .turns import Turns

T = TypeVar("T")

Admitted = Callable[[], Awaitable[bytes | None]]


@frozen
class Means:
    """
    What the repositories of one storage work with.
    """

    refs: IRefs
    objects: IObjectReader
    turns: Turns
    committer: ICommitter
    stagings: Stagings


@implementer(IRepository)
@frozen(eq=False)
class FilesystemRepository:
    """
    A valid repository.

    Whoever writes is told NOT_FOUND if the repository was removed meanwhile, even if another one is at its path by then: what was
    prepared for the one must not end up in the other.

    :param line: where it stood in the write queue when it was found.
    :param place: resolved: no symbolic link leads there.
    :param identity: the directory when it was found.
    :param lifetime: shared by all who hold this repository.
    :param prunings: how often it had been pruned when it was found.
    :param object_format: how it names its objects, or why that cannot be said.
    """

    partition: Partition
    line: Partition
    directory: GitDirectory
    _object_format: ObjectFormat | GitalyError
    place: Place
    identity: locator.Identity
    lifetime: Lifetime
    means: Means
    prunings: int = 0

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

    def glance(self, job: Callable[[IObjects], T]) -> Awaitable[T]:
        """
        Several look-ups in one turn in a thread.
        """
        return self.means.objects.glance(self.directory, job)

    async def stage(self, held: bool = False) -> IStaging:
        """
        Make a quarantine.
        """
        self._refuse_quarantine()
        if held:
            return self.means.stagings.hold(self.place, self.directory, self.object_format, self.lifetime)
        return await self.means.stagings.make(self.place, self.directory, self.object_format, self.lifetime)

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

        async def write() -> Outcome:
            found = None if admitted is None else await admitted()
            return await self._write(refs, atomic, staging, head if found is None else found, files)

        checked = _own(staging)
        outcome = await self._take(write, around=nullcontext if checked is None else checked.used)
        await _use_up(checked, outcome)
        return outcome

    async def turn(self, job: Callable[[ITurn], Awaitable[T]], others: Sequence[IRepository] = ()) -> T:
        """
        Run ``job`` when the turn has come, if the repositories are still there.
        """
        return await self._take(partial(job, Turn(self)), others)

    async def maintain(self, job: Callable[[], Awaitable[None]]) -> None:
        """
        Run ``job`` when the turn has come, if the repository is still there.
        """
        await self._take(job)

    async def _take(
        self,
        run: Callable[[], Awaitable[T]],
        others: Sequence[IRepository] = (),
        around: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> T:
        repositories = [self, *map(_our, others)]
        for repository in repositories:
            repository._refuse_quarantine()

        def look() -> None:
            for repository in repositories:
                repository._look_again()

        return await self.means.turns.take({each.place: each.line for each in repositories}, look, run, around)

    def _refuse_quarantine(self) -> None:
        if self.directory.object_directory is not None or self.directory.alternates:
            raise QuarantinedMutation(self.place.path)

    def _look_again(self) -> None:
        if self.lifetime.over:
            raise RepositoryGone(self.place.path)
        locator.still_there(self.place, self.identity)

    async def _write(
        self,
        refs: Sequence[RefUpdate],
        atomic: bool,
        staging: IStaging | None,
        head: bytes | None,
        files: Sequence[FileChange],
    ) -> Outcome:
        own = _own(staging)
        looked = self.prunings if own is None else own.prunings
        if looked != self.lifetime.prunings and not (own is None and all(update.new.is_zero for update in refs)):
            raise ObjectsPruned(self.place.path)
        staged = () if own is None else await own.staged()
        manifest = Manifest(self.partition, files=tuple(files), staged=staged, refs=tuple(refs), head=head)
        if manifest == Manifest(self.partition):
            return Outcome({}, None)
        outcome = await self.means.committer.commit(Transaction(manifest, atomic))
        if any(change.path == ALTERNATES for change in files):
            self.means.objects.forget(self.directory)
        elif own is not None:
            self.means.objects.remember(self.directory, own.held)
        return outcome


@implementer(ITurn)
@frozen
class Turn:
    """
    What may be done while it is a repository's turn.
    """

    _repository: FilesystemRepository

    async def commit(
        self,
        refs: Sequence[RefUpdate] = (),
        *,
        atomic: bool = True,
        staging: IStaging | None = None,
        head: bytes | None = None,
        files: Sequence[FileChange] = (),
    ) -> Outcome:
        """
        Write at once.
        """
        own = _own(staging)
        with nullcontext() if own is None else own.used():
            outcome = await self._repository._write(refs, atomic, staging, head, files)
        await _use_up(own, outcome)
        return outcome

    def quiet(self, staging: IStaging) -> bool:
        """
        Whether there is no other staging directory.
        """
        return self._repository.lifetime.stagings <= 1

    def pruned(self) -> None:
        """
        Turn down what was prepared before.
        """
        self._repository.lifetime.prunings += 1


async def _use_up(staging: FilesystemStaging | None, outcome: Outcome) -> None:
    """
    Whoever was refused may want to write the objects all the same.
    """
    if staging is not None and (outcome.head is not None or not outcome.refused):
        await staging.discard()


def _own(staging: IStaging | None) -> FilesystemStaging | None:
    if staging is not None and not isinstance(staging, FilesystemStaging):
        raise TypeError("staging of another provider")
    return staging


def _our(repository: IRepository) -> FilesystemRepository:
    if not isinstance(repository, FilesystemRepository):
        raise TypeError("repository of another provider")
    return repository
