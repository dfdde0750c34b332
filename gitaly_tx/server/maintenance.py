"""
The daily maintenance, as the configuration says.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from random import Random

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from protocols.gitaly.shared_pb2 import Repository

from ..config.gitaly import DailyMaintenance
from ..errors import GitalyError
from ..git.interfaces import IGit
from ..housekeeping.nightly import Nightly, Window
from ..housekeeping.schedule import Housekeeping
from ..housekeeping.tasks import Tasks
from ..storage.interfaces import IRepository, IStorageProvider
from ..storage.walk import repositories
from ..wal.store import Store
from ..wal.threads import InThread

UNSET = Window(12, 0, 600.0)
"""When it happens if nobody says when: at noon for ten minutes, as with Gitaly."""


@frozen
class Maintenance:
    """
    :param housekeeping: after pushes, and for those who ask.
    :param nightly: every day; ``None`` if it is switched off.
    """

    housekeeping: Housekeeping
    nightly: Nightly | None

    def start(self) -> None:
        """
        Wait for the hour.
        """
        if self.nightly is not None:
            self.nightly.start()

    async def stop(self) -> None:
        """
        Begin nothing more, and give up what is under way.
        """
        if self.nightly is not None:
            self.nightly.stop()
        await self.housekeeping.stop()


def make_housekeeping(git: IGit, in_thread: InThread, stores: Mapping[str, Store]) -> Housekeeping:
    """
    What looks after repositories.
    """
    return Housekeeping(Tasks(git, in_thread, {name: store.intents for name, store in stores.items()}), in_thread)


def nightly(
    settings: DailyMaintenance,
    clock: IReactorTime,
    storage: IStorageProvider,
    in_thread: InThread,
    housekeeping: Housekeeping,
    random: Random | None = None,
) -> Nightly | None:
    """
    :param random: shuffles the repositories, so that over the days each gets its turn.
    :returns: ``None`` if it is switched off.
    """
    if settings.disabled:
        return None
    unset = settings == DailyMaintenance()
    window = UNSET if unset else Window(settings.start_hour, settings.start_minute, settings.duration)
    shuffler = random or Random()

    async def found(name: str) -> AsyncIterator[IRepository]:
        root = storage.storages[name].path
        paths = await in_thread(lambda: list(repositories(root)))
        shuffler.shuffle(paths)
        for path in paths:
            try:
                repository = await storage.repository(Repository(storage_name=name, relative_path=path))
            except GitalyError:
                continue
            yield repository

    return Nightly(clock, datetime.now, window, settings.storages or tuple(storage.storages), found, housekeeping)
