"""
What the write queue asks of the log.

A *partition* is the unit of ordering: one repository, or later an object pool with its members. Its entries are numbered from 1
(LSN) and chained: ``digest(n) = sha256(digest(n-1) | epoch | lsn | manifest)``.
"""

from __future__ import annotations

import stat
from collections.abc import Awaitable, Callable, Sequence

from attrs import field, frozen
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from ..errors import Code, GitalyError
from ..git.interfaces import First, RefUpdate
from ..git.objectid import ObjectFormat


@frozen
class Partition:
    """
    :param storage: the storage's name.
    :param path: the repository's path relative to the storage, normalised.
    """

    storage: str
    path: str

    def __str__(self) -> str:
        return f"{self.storage}:{self.path}"


@frozen
class Head:
    """
    Where a partition's log stands.

    :param epoch: how many leaders the partition had before this one.
    :param leader: who may append; this server's name on one machine.
    :param lsn: of the last entry; 0 before the first.
    :param digest: of the last entry, 32 bytes; all zero before the first.
    """

    epoch: int = 0
    leader: str = ""
    lsn: int = 0
    digest: bytes = bytes(32)


@frozen
class FileChange:
    """
    A small file of the repository that is written or removed: ``config``, ``custom_hooks/update``, ``objects/info/alternates``.

    :param path: relative to the repository, ``/``-separated.
    :param content: what is written; ``None`` removes the file, or the directory with all that is in it.
    :param mode: permission bits. With ``stat.S_IFDIR`` it is a directory, in the place of one that is there already: what else
        the write has below that path is in it, and it appears with that at once.
    """

    path: str
    content: bytes | None
    mode: int = 0o644

    @property
    def is_directory(self) -> bool:
        """
        Whether it is a directory that takes the place of another.
        """
        return self.content is not None and stat.S_ISDIR(self.mode)


@frozen
class StagedFile:
    """
    A file that was made in a staging directory of the same storage and belongs into the repository: a pack, an index.

    Whoever prepares a write names the two paths only; the log adds the rest when it takes the file into its keeping.

    :param source: relative to the storage: ``+gitaly/staging/…/objects/pack/pack-….pack``.
    :param path: relative to the repository: ``objects/pack/pack-….pack``.
    :param size: in bytes; ``None`` until the log has it.
    :param sha256: of the content; ``None`` until the log has it.
    :param content: the content itself, of a file so small that the log holds it; ``None`` otherwise.
    """

    source: str
    path: str
    size: int | None = None
    sha256: bytes | None = None
    content: bytes | None = field(default=None, repr=False)


@frozen
class Creation:
    """
    A repository that begins to exist.

    :param head: the ref that HEAD is a name for.
    :param backend: ``files`` or ``reftable``.
    """

    object_format: ObjectFormat
    head: bytes
    backend: str = "files"


@frozen
class Manifest:
    """
    What one write changes. The parts take effect in this order: creation, files, staged files, refs, HEAD, removal. All that
    comes with a creation appears at once.
    """

    partition: Partition
    create: Creation | None = None
    files: tuple[FileChange, ...] = ()
    staged: tuple[StagedFile, ...] = ()
    refs: tuple[RefUpdate, ...] = ()
    head: bytes | None = None
    remove: bool = False


@frozen
class Entry:
    """
    A manifest in its place in the log.
    """

    head: Head
    previous: bytes
    manifest: Manifest


class PartitionDamaged(GitalyError):
    """
    A partition's log cannot be trusted; it takes no writes until an operator has looked at it. Nothing was dropped.
    """

    def __init__(self, partition: Partition, why: str) -> None:
        super().__init__("corrupt log entry", Code.DATA_LOSS, {"partition": str(partition), "error": why})


class LogFull(GitalyError):
    """
    There is no space for the entry. It was not written; later ones may fit.
    """

    def __init__(self, why: str) -> None:
        super().__init__("No space left on device", Code.RESOURCE_EXHAUSTED, {"error": why})


class LogFailed(GitalyError):
    """
    The disk under the log has failed. No writes are taken until the server was started again; reads go on.

    :param uncertain: whether the entry may be in the log after a restart all the same; otherwise it was not written.
    """

    def __init__(self, why: str, uncertain: bool = False) -> None:
        super().__init__("write-ahead log has failed", Code.UNAVAILABLE, {"error": why})
        self.uncertain = uncertain


class HeadChanged(GitalyError):
    """
    The entry would not be the partition's next one.
    """

    def __init__(self, partition: Partition, expected: int, actual: int) -> None:
        facts = {"partition": str(partition), "expected": expected, "actual": actual}
        super().__init__("partition's log has moved", Code.ABORTED, facts)


class RepositoryVanished(GitalyError):
    """
    Somebody else removed the repository that an entry is for.
    """

    def __init__(self, partition: Partition) -> None:
        super().__init__("repository does not exist", Code.NOT_FOUND, {"partition": str(partition)})


class ILog(Interface):
    """
    The log of one storage.
    """

    pending: int = Attribute("How many appended entries wait for their fsync.")

    def start() -> Awaitable[Sequence[Entry]]:
        """
        Read the log, cut a torn tail, note damaged partitions.

        :returns: the committed entries that may not have been applied, oldest first.
        :raises GitalyError: FAILED_PRECONDITION for a log of an unknown or newer format.
        """

    def head(partition: Partition) -> Awaitable[Head]:
        """
        The head of a partition, as of the last durable entry.

        :raises PartitionDamaged: if its log cannot be trusted.
        """

    def append(manifest: Manifest, expected: Head) -> Deferred[Entry]:
        """
        Make an entry durable. Entries that are appended while an fsync runs share the next one.

        :param expected: the partition's head; the entry becomes its successor.
        :returns: fires after the fsync. If it fails the entry is not in the log, now or after a restart.
        :raises PartitionDamaged: if the partition's log cannot be trusted.
        :raises LogFull: if there is no space.
        :raises HeadChanged: if ``expected`` is not the partition's head, or another append to it is under way.
        :raises LogFailed: if the disk has failed; its ``uncertain`` tells the one case where the entry may come back.
        """

    def retract(entry: Entry) -> Awaitable[None]:
        """
        Strike the partition's last entry out, durably, because the coordinator refused it. It is never applied; its number is
        free.
        """

    def applied(entry: Entry) -> None:
        """
        Note that an entry is visible in its repository. Not durable by itself: it saves work at the next start.
        """

    def settle(entry: Entry) -> Awaitable[None]:
        """
        Make an applied entry and all before it durable in the repository now, so that no replay ever touches them again. For the
        removal of a repository, whose path may be anybody's afterwards.
        """

    def checkpoint() -> Awaitable[None]:
        """
        Make everything that was applied durable in the repositories, and drop the part of the log that nobody needs any more.
        """

    def stop() -> Awaitable[None]:
        """
        Finish what was appended, checkpoint, close.
        """


MoveRefs = Callable[[First], Awaitable[bool]]
"""
Makes an entry's ref updates visible, HEAD's too, and says whether it could try; if so, what it was given is done first, in the
same turn in a thread.
"""


class IApplier(Interface):
    """
    Makes entries visible.
    """

    def apply(entry: Entry, move_refs: MoveRefs | None = None) -> Awaitable[None]:
        """
        Bring the repository to the state after ``entry``. Safe to repeat: a second time changes nothing.

        :param move_refs: for an entry whose refs somebody has locked; they are forced otherwise.
        :raises RepositoryVanished: if somebody else removed the repository.
        :raises GitalyError: or an OSError, if it cannot be done now (no space, no permission); the entry stays committed and is
            tried again.
        """

    def persist(entries: Sequence[Entry]) -> Awaitable[None]:
        """
        Make what these entries changed durable: fsync of the files and directories that they touched.
        """


class IKeyValue(Interface):
    """
    A small durable map.
    """

    def get(key: bytes) -> Awaitable[bytes | None]:
        """
        :returns: the value, or ``None``.
        """

    def put(items: Sequence[tuple[bytes, bytes | None]]) -> Awaitable[None]:
        """
        Set many keys at once, durably and all or none; ``None`` removes one.
        """

    def close() -> Awaitable[None]:
        """
        Let go of the file.
        """
