"""
A repository on disk whose writes go past the log: what a push needs of storage, and no more.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from attrs import define, evolve, field
from zope.interface import implementer

from gitaly_tx.git.directory import GitDirectory
from gitaly_tx.git.errors import ObjectNotFound
from gitaly_tx.git.interfaces import GitObject, IObjectReader, IObjects, ObjectInfo, Reference, RefRefused, RefUpdate, Refusal
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from gitaly_tx.git.refchecks import matches, prefixes, refused_for_value, refused_in_batch
from gitaly_tx.storage.interfaces import IRepository, IStaging, ITurn
from gitaly_tx.storage.staging import FilesystemStaging
from gitaly_tx.storage.threads import Threads
from gitaly_tx.wal.interfaces import FileChange, Partition
from gitaly_tx.writequeue.transaction import Outcome

from .git import git

T = TypeVar("T")


def git_in(directory: GitDirectory, *words: str, stdin: bytes = b"") -> bytes:
    """
    Run git with the quarantine that a directory names, if it names one.
    """
    environment: dict[str, Any] = directory.environment()
    return git("--git-dir", directory.path, *words, stdin=stdin, **environment)


@implementer(IObjectReader)
class PlainObjects:
    """
    Objects, by way of ``git cat-file``.
    """

    def __init__(self) -> None:
        self.forgotten: list[GitDirectory] = []

    async def read(self, directory: GitDirectory, oid: ObjectID, maximum: int | None = None) -> GitObject:
        """
        One object.
        """
        (info,) = await self.info(directory, [oid])
        if info is None:
            raise ObjectNotFound(oid)
        return GitObject(oid, info.type, git_in(directory, "cat-file", info.type.decode(), str(oid)))

    async def info(self, directory: GitDirectory, oids: Sequence[ObjectID]) -> list[ObjectInfo | None]:
        """
        Types and sizes.
        """
        stdin = b"".join(oid + b"\n" for oid in oids)
        output = git_in(directory, "cat-file", "--batch-check", stdin=stdin)
        found: list[ObjectInfo | None] = []
        for line in output.splitlines():
            oid, kind, *size = line.split()
            found.append(ObjectInfo(ObjectID(oid), kind, int(size[0])) if size else None)
        return found

    async def peel(self, directory: GitDirectory, oids: Sequence[ObjectID]) -> list[ObjectID | None]:
        """
        Not needed.
        """
        raise NotImplementedError

    async def look(self, directory: GitDirectory, job: Callable[[IObjects], T]) -> T:
        """
        Not needed.
        """
        raise NotImplementedError

    async def glance(self, directory: GitDirectory, job: Callable[[IObjects], T]) -> T:
        """
        Not needed.
        """
        raise NotImplementedError

    def remember(self, directory: GitDirectory, objects: Iterable[GitObject]) -> None:
        """
        git knows already.
        """

    def forget(self, directory: GitDirectory) -> None:
        """
        Remembers that it was asked to.
        """
        self.forgotten.append(directory)


@implementer(IRepository)
@define(eq=False)
class PlainRepository:
    """
    :ivar committing: awaited at the beginning of every commit, so that a test can hold it up or let it fail.
    """

    directory: GitDirectory
    threads: Threads
    objects: PlainObjects = field(factory=PlainObjects)
    object_format: ObjectFormat = ObjectFormat.SHA1
    partition: Partition = field(factory=lambda: Partition("default", "thing.git"))
    committing: Callable[[], Awaitable[None]] | None = None
    commits: int = 0

    async def ref(self, name: bytes) -> Reference | None:
        """
        One ref.
        """
        return next((ref for ref in await self.refs() if ref.name == name), None)

    async def refs(self, prefixes: Sequence[bytes] = (b"refs/",), hidden: Sequence[bytes] = ()) -> list[Reference]:
        """
        All refs.
        """
        lines = git("--git-dir", self.directory.path, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        found = [Reference(name, ObjectID(oid)) for name, oid in (line.split(b" ") for line in lines)]
        return [ref for ref in found if matches(ref.name, prefixes) and not matches(ref.name, hidden)]

    async def head(self) -> bytes | None:
        """
        The ref that HEAD names.
        """
        return git("--git-dir", self.directory.path, "symbolic-ref", "HEAD").strip()

    def object(self, oid: ObjectID, maximum: int | None = None) -> Awaitable[GitObject]:
        """
        One object.
        """
        return self.objects.read(self.directory, oid, maximum)

    def object_info(self, oids: Sequence[ObjectID]) -> Awaitable[list[ObjectInfo | None]]:
        """
        Types and sizes.
        """
        return self.objects.info(self.directory, oids)

    def peel(self, oids: Sequence[ObjectID]) -> Awaitable[list[ObjectID | None]]:
        """
        What tags stand for.
        """
        return self.objects.peel(self.directory, oids)

    def look(self, job: Callable[[IObjects], T]) -> Awaitable[T]:
        """
        As :func:`IObjectReader.look`.
        """
        return self.objects.look(self.directory, job)

    def glance(self, job: Callable[[IObjects], T]) -> Awaitable[T]:
        """
        As :func:`IObjectReader.glance`.
        """
        return self.objects.glance(self.directory, job)

    @property
    def stagings(self) -> list[str]:
        """
        The quarantines that there are now.
        """
        return sorted(name for name in os.listdir(self._root) if name.startswith("quarantine-"))

    @property
    def _root(self) -> str:
        return os.path.dirname(self.directory.path)

    async def stage(self, held: bool = False) -> IStaging:
        """
        A quarantine beside the repository.
        """
        path = tempfile.mkdtemp(prefix="quarantine-", dir=self._root)
        os.makedirs(os.path.join(path, "objects", "pack"))
        directory = self.directory.quarantined(os.path.join(path, "objects"))
        return FilesystemStaging(directory, self.object_format, self._root, path, self.threads)

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
        admitted: Callable[[], Awaitable[bytes | None]] | None = None,
    ) -> Outcome:
        """
        Write at once.
        """
        if self.committing is not None:
            await self.committing()
        self.commits += 1
        head = head if admitted is None else await admitted()
        refused = await self._refused(refs)
        accepted = [update for update in refs if update.name not in refused]
        if not (atomic and refused):
            for staged in () if staging is None else await staging.staged():
                target = os.path.join(self.directory.path, staged.path)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                if not os.path.exists(target):
                    os.link(os.path.join(self._root, staged.source), target)
            lines = [
                b"delete %b\n" % update.name if update.new.is_zero else b"update %b %b\n" % (update.name, update.new)
                for update in sorted(accepted, key=lambda update: not update.new.is_zero)
            ]
            git("--git-dir", self.directory.path, "update-ref", "--stdin", stdin=b"".join(lines))
            if head is not None:
                git("--git-dir", self.directory.path, "symbolic-ref", "HEAD", head.decode())
        if staging is not None and not (atomic and refused):
            await staging.discard()
        return Outcome(refused, None)

    async def turn(self, job: Callable[[ITurn], Awaitable[T]], others: Sequence[IRepository] = ()) -> T:
        """
        Not needed.
        """
        raise NotImplementedError

    async def maintain(self, job: Callable[[], Awaitable[None]]) -> None:
        """
        Not needed.
        """
        raise NotImplementedError

    async def _refused(self, updates: Sequence[RefUpdate]) -> dict[bytes, RefRefused]:
        now = {ref.name: ref.target for ref in await self.refs()}
        refused = refused_in_batch(updates)
        for update in updates:
            wrong = refused_for_value(update, now.get(update.name))
            if wrong is not None:
                refused.setdefault(update.name, wrong)
            if update.new.is_zero or update.name in now:
                continue
            for name in now:
                if name in prefixes(update.name) or update.name in prefixes(name):
                    refused.setdefault(update.name, RefRefused(update.name, Refusal.CONFLICT, other=name))
        return refused
