"""
:class:`~gitaly_tx.git.interfaces.IObjectReader` in threads of this process.

dulwich puts deltas together (its ``apply_delta`` is native code). Packs and their indices are read here and not by dulwich's own
classes, which inflate an object to tell its size, map files into memory, and keep a cache for every single pack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from attrs import define, field
from twisted.internet.interfaces import IReactorFromThreads
from zope.interface import implementer

from ..threads import IsPool, in_pool
from ..warm import NEVER, Warm
from .directory import GitDirectory
from .interfaces import GitObject, IObjectReader, IObjects, ObjectInfo
from .objectid import ObjectID
from .objectstore import ObjectStore

T = TypeVar("T")


@implementer(IObjectReader)
@define
class ObjectReader:
    """
    :param reactor: where threads report back.
    :param pool: where the disk is touched.
    :param store: what is kept open and in memory, with its bounds.
    :param warm: says where a glance is taken.
    """

    _reactor: IReactorFromThreads
    _pool: IsPool
    _store: ObjectStore = field(factory=ObjectStore)
    _warm: Warm = NEVER

    async def read(self, directory: GitDirectory, oid: ObjectID, maximum: int | None = None) -> GitObject:
        """
        As :func:`IObjectReader.read`.
        """
        found: GitObject = await in_pool(self._reactor, self._pool, self._store.read, directory, oid, maximum)
        return found

    async def info(self, directory: GitDirectory, oids: Sequence[ObjectID]) -> list[ObjectInfo | None]:
        """
        As :func:`IObjectReader.info`.
        """
        found: list[ObjectInfo | None] = await in_pool(self._reactor, self._pool, self._store.info, directory, tuple(oids))
        return found

    async def peel(self, directory: GitDirectory, oids: Sequence[ObjectID]) -> list[ObjectID | None]:
        """
        As :func:`IObjectReader.peel`.
        """
        found: list[ObjectID | None] = await in_pool(self._reactor, self._pool, self._store.peel, directory, tuple(oids))
        return found

    async def look(self, directory: GitDirectory, job: Callable[[IObjects], T]) -> T:
        """
        As :func:`IObjectReader.look`.
        """
        found: T = await in_pool(self._reactor, self._pool, self._store.look, directory, job)
        return found

    async def glance(self, directory: GitDirectory, job: Callable[[IObjects], T]) -> T:
        """
        As :func:`IObjectReader.glance`.
        """
        key = (directory.path, directory.object_directory)
        return await self._warm.look(key, partial(in_pool, self._reactor, self._pool), self._store.look, directory, job)

    def remember(self, directory: GitDirectory, objects: Iterable[GitObject]) -> None:
        """
        As :func:`IObjectReader.remember`.
        """
        self._store.remember(directory, objects)

    def forget(self, directory: GitDirectory) -> None:
        """
        As :func:`IObjectReader.forget`.
        """
        self._store.forget(directory)
