"""
A repository gets its own objects back.

1. All objects, its own and those that it borrows, get another name in a staging directory. That takes a turn in the write queue,
   in which neither the repository nor the pool is changed; where there are hard links it is short.
2. git walks everything that the refs reach there, where nothing is borrowed, and what was borrowed is made durable. Pushes go on
   meanwhile.
3. In another turn, if the pool has the same files as before: they get their names in the repository, and the log is told that the
   repository borrows no more. If the pool has other files, all of it is done again.

A crash leaves a repository that borrows, or one that need not.
"""

from __future__ import annotations

import os
import stat

from attrs import frozen

from ..git.alternates import object_directories, read_alternates
from ..git.command import Command
from ..git.directory import GitDirectory
from ..git.interfaces import IGit
from ..storage.interfaces import ALTERNATES, IRepository, IStaging, ITurn
from ..wal.interfaces import FileChange
from ..wal.threads import InThread
from .errors import NotDisconnected, PoolInMotion
from .objects import gather, names_of, place, sync

_ATTEMPTS = 5


async def disconnect(git: IGit, in_thread: InThread, repository: IRepository) -> None:
    """
    Let a repository borrow no more. One that does not borrow stays as it is.

    :raises GitalyError: INTERNAL if it borrows from several places, from nowhere, or does not have all it needs; ABORTED if the
        pool changes all the time. Nothing is changed then.
    """
    for _ in range(_ATTEMPTS):
        if not await in_thread(_borrowed, repository.directory):
            return
        staging = await repository.stage()
        try:
            if await _Disconnection(git, in_thread, repository, staging).run():
                return
        finally:
            await staging.discard()
    raise PoolInMotion()


@frozen
class _Disconnection:
    git: IGit
    in_thread: InThread
    repository: IRepository
    staging: IStaging

    async def run(self) -> bool:
        """
        :returns: whether it is done.
        """
        names = await self.repository.turn(self._collect)
        alone = GitDirectory(self.repository.directory.path, self._objects)
        _, ended = await self.git.run(Command("rev-list", ["--objects", "--all", "--quiet"], directory=alone), check=False)
        if ended.status != 0:
            raise NotDisconnected(f"git connectivity error while disconnected: {ended}")
        await self.in_thread(sync, names, self._objects)

        async def swap(turn: ITurn) -> bool:
            if not await self.in_thread(self._place, names):
                return False
            await turn.commit(files=[FileChange(ALTERNATES, None)])
            return True

        return await self.repository.turn(swap)

    @property
    def _objects(self) -> str:
        return self.staging.directory.object_directory or self.staging.directory.objects

    async def _collect(self, turn: ITurn) -> list[str]:
        def collect() -> list[str]:
            own, *lent = object_directories(self.repository.directory)
            gather([own], self._objects)
            return gather(lent, self._objects)

        return await self.in_thread(collect)

    def _place(self, names: list[str]) -> bool:
        own, *lent = object_directories(self.repository.directory)
        if names_of(lent) != names:
            return False
        place(names, self._objects, own)
        return True


def _borrowed(directory: GitDirectory) -> bool:
    entries = read_alternates(directory.objects)
    if len(entries) > 1:
        raise NotDisconnected("multiple alternate object directories")
    for entry in entries:
        try:
            mode = os.stat(entry).st_mode
        except OSError as error:
            # Where it was looked for is nobody's business.
            words = os.strerror(error.errno or 0).lower()
            raise NotDisconnected(f"stat alternate object directory: {words}") from error
        if not stat.S_ISDIR(mode):
            raise NotDisconnected("alternate object entry is not a directory")
    return bool(entries)
