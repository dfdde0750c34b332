"""
What services may ask of repositories.

Reads go straight to git's files; every write is a transaction in the write queue.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from attrs import frozen
from zope.interface import Attribute, Interface

from protocols.gitaly.shared_pb2 import Repository

from ..git.directory import GitDirectory
from ..git.interfaces import GitObject, IObjects, ObjectInfo, Reference, RefUpdate
from ..git.objectid import ObjectFormat, ObjectID
from ..wal.interfaces import FileChange, Partition, StagedFile
from ..writequeue.transaction import Outcome

T = TypeVar("T")

ALTERNATES = "objects/info/alternates"
"""The file that says where a repository borrows objects from."""


@frozen
class StorageInfo:
    """
    One storage as configured.

    :param path: absolute.
    :param filesystem_id: from ``.gitaly-metadata``; empty if that cannot be read.
    """

    name: str
    path: str
    filesystem_id: str


class IStaging(Interface):
    """
    A directory in the repository's storage where a write is prepared: a quarantine for new objects.

    It is gone with :func:`discard`, with the commit that took its files, and at the latest at the next start.
    """

    directory: GitDirectory = Attribute("The repository with the quarantine as its object directory.")
    in_memory: bool = Attribute("Whether nobody can see yet what is in it: :attr:`directory` has no object directory of its own.")

    def write_object(type: bytes, data: bytes) -> Awaitable[ObjectID]:
        """
        Add an object to the quarantine.
        """

    def write_blocking(type: bytes, size: int, pieces: Iterable[bytes]) -> ObjectID:
        """
        The same for work that has a thread.

        :param size: of all pieces together.
        """

    def show() -> Awaitable[None]:
        """
        See to it that git's children find in :attr:`directory` what was written, if it is held in memory. Safe to repeat.
        """

    def scratch() -> Awaitable[str]:
        """
        An empty directory beside the quarantine, for files that are no objects. It goes with the quarantine, and nothing in it
        is ever committed.

        :returns: its path, absolute; another one each time.
        """

    def staged() -> Awaitable[tuple[StagedFile, ...]]:
        """
        What is in the quarantine now, for a transaction: loose objects, packs, indices; packs before their indices.
        """

    def discard() -> Awaitable[None]:
        """
        Remove it with everything in it. Safe to repeat, and after a commit.
        """


class ITurn(Interface):
    """
    What may be done with a repository while it is its turn in the write queue: nobody else writes it then, nor any repository
    that stands in the same line.
    """

    def commit(
        refs: Sequence[RefUpdate] = (),
        *,
        atomic: bool = True,
        staging: IStaging | None = None,
        head: bytes | None = None,
        files: Sequence[FileChange] = (),
    ) -> Awaitable[Outcome]:
        """
        As :func:`IRepository.commit`, without waiting.
        """

    def quiet(staging: IStaging) -> bool:
        """
        Whether nobody prepares a write but the one whose staging directory this is.
        """

    def pruned() -> None:
        """
        Tell that objects were removed which nothing referred to: whatever was prepared before, and may refer to them by now, is
        refused with ABORTED.
        """


class IRepository(Interface):
    """
    A repository that was found to be valid when this was made.
    """

    partition: Partition = Attribute("Its place in the write queue.")
    directory: GitDirectory = Attribute("Where it lies; with the quarantine that the caller named, if any.")
    object_format: ObjectFormat = Attribute("How it names its objects; raises a GitalyError if its config cannot be read.")

    def ref(name: bytes) -> Awaitable[Reference | None]:
        """
        One ref, or HEAD.
        """

    def refs(prefixes: Sequence[bytes] = (b"refs/",), hidden: Sequence[bytes] = ()) -> Awaitable[list[Reference]]:
        """
        As :func:`gitaly_tx.git.interfaces.IRefs.list`.
        """

    def head() -> Awaitable[bytes | None]:
        """
        The ref that HEAD is a name for.
        """

    def object(oid: ObjectID, maximum: int | None = None) -> Awaitable[GitObject]:
        """
        As :func:`gitaly_tx.git.interfaces.IObjectReader.read`.
        """

    def object_info(oids: Sequence[ObjectID]) -> Awaitable[list[ObjectInfo | None]]:
        """
        As :func:`gitaly_tx.git.interfaces.IObjectReader.info`.
        """

    def peel(oids: Sequence[ObjectID]) -> Awaitable[list[ObjectID | None]]:
        """
        As :func:`gitaly_tx.git.interfaces.IObjectReader.peel`.
        """

    def look(job: Callable[[IObjects], T]) -> Awaitable[T]:
        """
        As :func:`gitaly_tx.git.interfaces.IObjectReader.look`.
        """

    def glance(job: Callable[[IObjects], T]) -> Awaitable[T]:
        """
        As :func:`gitaly_tx.git.interfaces.IObjectReader.glance`.
        """

    def stage(held: bool = False) -> Awaitable[IStaging]:
        """
        Begin a write.

        :param held: objects stay in memory as long as they are few; whoever lets somebody look at them says :func:`IStaging.show`
            before.
        """

    def through(staging: IStaging) -> IRepository:
        """
        The same repository, with what is in a quarantine as if it were there already. Only good for looking: refs are as they
        are, and whatever would write is refused, because nobody knows yet whether the objects will stay.
        """

    def commit(
        refs: Sequence[RefUpdate] = (),
        *,
        atomic: bool = True,
        staging: IStaging | None = None,
        head: bytes | None = None,
        files: Sequence[FileChange] = (),
        admitted: Callable[[], Awaitable[bytes | None]] | None = None,
    ) -> Awaitable[Outcome]:
        """
        Write, as one transaction: wait for the turn, verify, log, apply.

        :param staging: what it holds becomes part of the repository. It is used up, unless nothing was written because of a ref
            that was refused, or there is an exception.
        :param head: the ref that HEAD shall be a name for.
        :param admitted: called when the turn has come, before anything is verified; what it returns replaces ``head`` if not
            ``None``. For what depends on the state that the write meets, such as HEAD of an empty repository.
        :returns: what became of each ref; durable and visible.
        :raises GitalyError: as :func:`gitaly_tx.writequeue.interfaces.ICommitter.commit`, and QueueFull or QueueStopped.
        """

    def turn(job: Callable[[ITurn], Awaitable[T]], others: Sequence[IRepository] = ()) -> Awaitable[T]:
        """
        Run something when the turn has come, for what must look before it writes and know that nothing changes in between.

        :param job: given what it may do; it runs to its end even if the caller stops waiting.
        :param others: repositories that must not be written meanwhile, either.
        :returns: what ``job`` returned.
        """

    def maintain(job: Callable[[], Awaitable[None]]) -> Awaitable[None]:
        """
        Run something that reorganises files without changing what the repository says, such as a repack, in the queue.
        """


class IStorageProvider(Interface):
    """
    Finds, makes and removes repositories in named storages.
    """

    storages: Mapping[str, StorageInfo] = Attribute("The storages, in the order of the configuration.")

    def repository(message: Repository | None) -> Awaitable[IRepository]:
        """
        The repository that a request names. Everything is validated, in Gitaly's order and with its texts
        (``repository not set``, ``storage name not found``, ``relative path escapes root directory`` …).

        :raises GitalyError: INVALID_ARGUMENT, NOT_FOUND or FAILED_PRECONDITION.
        """

    def exists(message: Repository | None) -> Awaitable[bool]:
        """
        Whether :func:`repository` would find it; raises for what cannot be asked (bad names), not for what is missing or no
        repository.
        """

    def resolve(path: str, storage: str | None = None) -> Awaitable[tuple[Repository, bool]]:
        """
        What the path in a clone URL names, in any layout: ``thing.git``, ``thing``, ``thing/.git``; ``.git`` is optional in
        the URL.

        :param path: without leading slashes.
        :param storage: the storage to look in; the first one otherwise.
        :returns: the repository's name and whether it exists. If it does not, the name is the one to create it under.
        :raises GitalyError: INVALID_ARGUMENT for a path that cannot name a repository.
        """

    def prepare(
        message: Repository | None, *, object_format: ObjectFormat = ObjectFormat.SHA1, replacing: bool = False
    ) -> Awaitable[IStaging]:
        """
        Begin to make a repository with content. What this returns lies in the same storage and is no quarantine but a whole bare
        repository, in which git may do as it likes: fetch, import, move refs. :func:`create` takes its objects, and its refs if
        there is nothing said of refs; config, hooks and HEAD are not taken.

        :param replacing: whatever has the name now will be removed before :func:`create`, and stays as it is until then.
        :raises GitalyError: ALREADY_EXISTS if there is something already; as :func:`repository` for bad names.
        """

    def create(
        message: Repository | None,
        *,
        object_format: ObjectFormat = ObjectFormat.SHA1,
        default_branch: bytes = b"refs/heads/main",
        backend: str = "files",
        staging: IStaging | None = None,
        refs: Mapping[bytes, ObjectID] | None = None,
        files: Sequence[FileChange] = (),
    ) -> Awaitable[IRepository]:
        """
        Make a repository, as one transaction: it appears with all that is in it, or not at all.

        :param staging: from :func:`prepare`, with the same object format. It is used up, whatever the outcome but an exception.
        :param refs: what they point at; the objects are in ``staging``, or in a repository that ``objects/info/alternates`` among
            ``files`` names. ``None`` for the refs that ``staging`` has.
        :param files: such as ``config`` (instead of the plain one), ``custom_hooks/…`` and ``objects/info/alternates``.
        :raises GitalyError: ALREADY_EXISTS ``creating repository: repository exists already``; INVALID_ARGUMENT for a ref that
            cannot be, alone or beside another one; as :func:`repository` for bad names.
        """

    def retract(repository: IRepository) -> Awaitable[bool]:
        """
        Remove a repository that was made a moment ago for a write that did not happen, as a transaction; but only if it has no
        refs, and nobody but its maker has opened it meanwhile.

        :param repository: as :func:`create` gave it; nothing is being written through it any more.
        :returns: whether it was removed.
        """

    def remove(message: Repository | None) -> Awaitable[None]:
        """
        Remove a repository, as a transaction.

        :raises GitalyError: NOT_FOUND ``repository does not exist``.
        """
