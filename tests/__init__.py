"""
Tests. No property is refuted by a machine that is slow.
"""

import asyncio
import sys

from hypothesis import HealthCheck, settings
from twisted.internet.asyncioreactor import AsyncioSelectorReactor

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def _stop_only_what_runs(loop: asyncio.AbstractEventLoop) -> None:
    """
    A worker of ``trial -j`` shuts the reactor down after its first test, when it does not run. asyncio would take that for the
    end of its next run, in the midst of the second test.
    """
    stop = loop.stop
    loop.stop = lambda: stop() if loop.is_running() else None  # type: ignore[method-assign]


if isinstance(sys.modules.get("twisted.internet.reactor"), AsyncioSelectorReactor):
    _stop_only_what_runs(asyncio.get_event_loop())
