"""
:class:`~gitaly_tx.git.interfaces.IRefs` for any repository, whatever format its config file names.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from zope.interface import implementer

from ..threads import IsPool
from ..warm import NEVER, Warm
from .config import Configurations
from .directory import GitDirectory
from .filesrefs import FilesRefs, LockPatience, OtherFormat
from .interfaces import First, IGit, IIntent, IPreparedRefs, IRefs, Reference, RefUpdate, nothing
from .packedrefs import PackedRefsFiles
from .reftable import ReftableRefs


@implementer(IRefs)
class Refs:
    """
    Refs in files are read and written in threads of this process; those in a reftable by git. Which it is, is looked up at
    every call, in the same turn in a thread that does the work.

    :param reactor: where threads report back.
    :param pool: where the disk is touched.
    :param clock: for the waits between attempts to lock.
    :param git: for the reftable format only.
    :param configurations: the config files that are kept in memory.
    :param packed: the packed refs that are kept in memory.
    :param patience: how long other writers are waited for.
    :param warm: says where single refs are looked at.
    """

    def __init__(
        self,
        reactor: IReactorFromThreads,
        pool: IsPool,
        clock: IReactorTime,
        git: IGit,
        *,
        configurations: Configurations | None = None,
        packed: PackedRefsFiles | None = None,
        patience: LockPatience = LockPatience(),  # noqa: B008 (a frozen value)
        warm: Warm = NEVER,
    ) -> None:
        self._files = FilesRefs(
            reactor, pool, clock, configurations or Configurations(), packed or PackedRefsFiles(), patience, warm
        )
        self._reftable = ReftableRefs(git, self._files.in_thread)

    async def read(self, directory: GitDirectory, name: bytes) -> Reference | None:
        """
        As :func:`IRefs.read`.
        """
        try:
            return await self._files.read(directory, name)
        except OtherFormat:
            return await self._reftable.read(directory, name)

    async def head(self, directory: GitDirectory) -> bytes | None:
        """
        As :func:`IRefs.head`.
        """
        try:
            return await self._files.head(directory)
        except OtherFormat:
            return await self._reftable.head(directory)

    async def list(
        self, directory: GitDirectory, prefixes: Sequence[bytes] = (b"refs/",), hidden: Sequence[bytes] = ()
    ) -> list[Reference]:
        """
        As :func:`IRefs.list`.
        """
        try:
            return await self._files.list(directory, prefixes, hidden)
        except OtherFormat:
            return await self._reftable.list(directory, prefixes, hidden)

    async def prepare(
        self,
        directory: GitDirectory,
        updates: Sequence[RefUpdate],
        intent: IIntent | None = None,
        head: bytes | None = None,
        first: First = nothing,
    ) -> IPreparedRefs:
        """
        As :func:`IRefs.prepare`.
        """
        try:
            return await self._files.prepare(directory, updates, intent, head, first)
        except OtherFormat:
            return await self._reftable.prepare(directory, updates, intent, head, first)

    async def force(self, directory: GitDirectory, updates: Sequence[RefUpdate]) -> None:
        """
        As :func:`IRefs.force`.
        """
        try:
            await self._files.force(directory, updates)
        except OtherFormat:
            await self._reftable.force(directory, updates)

    async def set_head(self, directory: GitDirectory, target: bytes) -> None:
        """
        As :func:`IRefs.set_head`.
        """
        try:
            await self._files.set_head(directory, target)
        except OtherFormat:
            await self._reftable.set_head(directory, target)

    async def fsync(self, directory: GitDirectory, names: Sequence[bytes]) -> None:
        """
        As :func:`IRefs.fsync`.
        """
        try:
            await self._files.fsync(directory, names)
        except OtherFormat:
            await self._reftable.fsync(directory, names)

    def forget(self, directory: GitDirectory) -> None:
        """
        Let go of what is kept in memory of a repository, because it was removed or replaced.
        """
        self._files.forget(directory)
