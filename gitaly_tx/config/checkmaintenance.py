"""
What must be true of ``[daily_maintenance]``.
"""

from __future__ import annotations

from .model import Config
from .problems import Findings

_DAY = 24 * 60 * 60


def check_maintenance(config: Config, findings: Findings) -> None:
    """
    Look at the window and at the storages.
    """
    table = config.daily_maintenance
    for name, most in (("start_hour", 23), ("start_minute", 59)):
        if getattr(table, name) > most:
            findings.error(("daily_maintenance", name), f"no day has that, it goes up to {most}", f"write a number up to {most}")
    if table.duration > _DAY:
        findings.error(("daily_maintenance", "duration"), "it is longer than a day", 'write a duration such as "2h"')
    known = {storage.name for storage in config.storages}
    for index, storage in enumerate(table.storages):
        if storage not in known:
            what = f"there is no storage called {storage!r}"
            findings.error(("daily_maintenance", "storages", index), what, "write the name of a [[storage]]")
