"""
Control groups for children, from the configuration.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ..config.model import Config
from ..git.cgroups import MOUNTPOINT, ControlledChildren, Hierarchy, Share


def control_groups(config: Config, in_thread: Callable[..., Awaitable[Any]]) -> ControlledChildren | None:
    """
    :param in_thread: does what may block in a thread.
    :returns: ``None`` if there are to be none.
    """
    table = config.cgroups
    each = table.repositories
    if not each.count:
        return None
    hierarchy = Hierarchy(
        table.mountpoint or MOUNTPOINT,
        table.hierarchy_root.strip("/") or "gitaly",
        Share(table.memory_bytes, table.cpu_shares, table.cpu_quota_us),
        Share(each.memory_bytes, each.cpu_shares, each.cpu_quota_us),
        each.count,
        each.max_cgroups_per_repo,
    )
    return ControlledChildren(hierarchy, in_thread)
