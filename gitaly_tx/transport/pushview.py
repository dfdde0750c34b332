"""
A repository as the checks of a push see it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from attrs import frozen
from zope.interface import implementer

from ..errors import Code, GitalyError
from ..git.directory import GitDirectory
from ..git.interfaces import GitObject, IObjectReader, IObjects, ObjectInfo, Reference, RefUpdate
from ..git.objectid import ObjectFormat, ObjectID
from ..storage.interfaces import IRepository, IStaging
from ..wal.interfaces import FileChange, Partition
from ..writequeue.transaction import Outcome

T = TypeVar("T")


@implementer(IRepository)
@frozen(eq=False)
class QuarantinedRepository:
    """
    The repository with the new objects of a push that nobody else sees yet. Refs are as they are before the push. It is only
    good for looking: whatever would write raises, because nobody knows yet whether the objects will stay.

    :param repository: without the new objects.
    :param directory: with them.
    """

    _repository: IRepository
    _objects: IObjectReader
    directory: GitDirectory

    @property
    def partition(self) -> Partition:
        """
        Its place in the write queue.
        """
        return self._repository.partition

    @property
    def object_format(self) -> ObjectFormat:
        """
        How it names its objects.
        """
        return self._repository.object_format

    def ref(self, name: bytes) -> Awaitable[Reference | None]:
        """
        One ref, or HEAD.
        """
        return self._repository.ref(name)

    def refs(self, prefixes: Sequence[bytes] = (b"refs/",), hidden: Sequence[bytes] = ()) -> Awaitable[list[Reference]]:
        """
        All refs below ``prefixes`` and not below ``hidden``.
        """
        return self._repository.refs(prefixes, hidden)

    def head(self) -> Awaitable[bytes | None]:
        """
        The ref that HEAD is a name for.
        """
        return self._repository.head()

    def object(self, oid: ObjectID, maximum: int | None = None) -> Awaitable[GitObject]:
        """
        One object, new or old.
        """
        return self._objects.read(self.directory, oid, maximum)

    def object_info(self, oids: Sequence[ObjectID]) -> Awaitable[list[ObjectInfo | None]]:
        """
        Types and sizes.
        """
        return self._objects.info(self.directory, oids)

    def peel(self, oids: Sequence[ObjectID]) -> Awaitable[list[ObjectID | None]]:
        """
        What tags stand for.
        """
        return self._objects.peel(self.directory, oids)

    def look(self, job: Callable[[IObjects], T]) -> Awaitable[T]:
        """
        Several look-ups in one turn in a thread.
        """
        return self._objects.look(self.directory, job)

    async def stage(self) -> IStaging:
        """
        Refused.
        """
        raise _only_looking()

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
        Refused.
        """
        raise _only_looking()

    async def maintain(self, job: Callable[[], Awaitable[None]]) -> None:
        """
        Refused.
        """
        raise _only_looking()


def _only_looking() -> GitalyError:
    return GitalyError("cannot write to a repository with a quarantine", Code.FAILED_PRECONDITION)
