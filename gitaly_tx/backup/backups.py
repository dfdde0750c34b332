"""
Backups of repositories, made and put back, for those who are asked for them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import define, field
from twisted.internet.defer import DeferredLock

from protocols.gitaly.shared_pb2 import Repository

from ..errors import Code, GitalyError
from ..storage.errors import described
from ..storage.interfaces import IRepository
from .create import Creating
from .interfaces import ISink
from .restore import Restoring
from .vanity import Vanity


@define(eq=False)
class Backups:
    """
    Of what one name stands for one backup is made at a time, or put back; others do not wait for each other.

    :param sink: where they are kept.
    """

    sink: ISink
    _creating: Creating
    _restoring: Restoring
    _lines: dict[str, DeferredLock] = field(factory=dict, init=False)

    async def create(self, repository: IRepository, vanity: Vanity, backup_id: str, incremental: bool) -> None:
        """
        :raises GitalyError: as :meth:`gitaly_tx.backup.create.Creating.create`.
        """
        async with self._alone(vanity):
            await self._creating.create(repository, vanity, backup_id, incremental)

    async def restore(self, target: Repository | None, vanity: Vanity, backup_id: str, always: bool) -> None:
        """
        :raises GitalyError: as :meth:`gitaly_tx.backup.restore.Restoring.restore`.
        """
        async with self._alone(vanity):
            await self._restoring.restore(target, vanity, backup_id, always)

    async def stop(self) -> None:
        """
        Let go of the sink.
        """
        await self.sink.stop()

    @asynccontextmanager
    async def _alone(self, vanity: Vanity) -> AsyncIterator[None]:
        """
        :raises GitalyError: INTERNAL in the place of an OSError, without its path.
        """
        line = self._lines.setdefault(vanity.base, DeferredLock())
        try:
            await line.acquire()
            try:
                yield
            except OSError as error:
                raise GitalyError(described(error), Code.INTERNAL, {"error": str(error)}) from error
            finally:
                line.release()
        finally:
            if not line.locked and not line.waiting:
                self._lines.pop(vanity.base, None)


__all__ = ["Backups"]
