"""
How backups are made and kept, from the configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..backup.backups import Backups
from ..backup.create import Creating, Measured
from ..backup.filesystem import DirectorySink
from ..backup.locator import Locator
from ..backup.restore import Restoring
from ..config.checkbackup import backup_directory
from ..config.model import Config
from ..git.interfaces import IGit
from ..hooks.unasked import Unasked
from ..storage.interfaces import IRepository, IStorageProvider
from ..storage.threads import Threads
from .measures import Measures


def kept_backups(
    reactor: Any,
    git: IGit,
    config: Config,
    threads: Threads,
    storage: IStorageProvider,
    unasked: Unasked,
    packed: Callable[[IRepository], None],
    measures: Measures,
) -> Backups | None:
    """
    Who makes backups and puts them back; ``None`` if they are kept nowhere.
    """
    directory = backup_directory(config.backup.go_cloud_url)
    if directory is None:
        return None
    sink = DirectorySink(directory, threads)
    locator = Locator(sink, config.backup.layout == "pointer")
    measured = Measured(measures.backup_phase, measures.backup_bundle)
    return Backups(
        sink,
        Creating(git, sink, locator, threads, reactor, measured),
        Restoring(storage, git, sink, locator, unasked, threads, packed),
    )
