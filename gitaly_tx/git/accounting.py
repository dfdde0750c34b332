"""
What the children of a call cost, for the line that the log gets of it. Names as Gitaly's.
"""

from __future__ import annotations

from collections.abc import MutableMapping

from ..observability.context import current_fields
from .interfaces import Ended


def account(name: str, ended: Ended | None) -> None:
    """
    An observer for :class:`~gitaly_tx.git.runner.Git`: adds a child to the log fields of the call that it ran for. Times are in
    milliseconds, the largest resident set in KiB.
    """
    fields = current_fields()
    if ended is None or not isinstance(fields, MutableMapping):
        return
    usage = ended.usage
    for field, value in (
        ("command.count", 1),
        ("command.real_time_ms", round(usage.seconds * 1000)),
        ("command.user_time_ms", round(usage.user * 1000)),
        ("command.system_time_ms", round(usage.system * 1000)),
        ("command.cpu_time_ms", round((usage.user + usage.system) * 1000)),
    ):
        fields[field] = fields.get(field, 0) + value
    fields["command.maxrss"] = max(fields.get("command.maxrss", 0), usage.peak // 1024)
