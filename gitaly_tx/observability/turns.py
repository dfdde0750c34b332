"""
How long single turns of the reactor take.

For tests and for those who look for what holds the reactor up: switched on by the environment variable
``GITALY_TX_WATCH_TURNS``, because it costs two system calls a turn. What is measured is the CPU time of the reactor's thread, so
a busy machine does not make innocent code look slow; what waits for the disk is found out by :func:`watch_disk`.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from typing import Any

from prometheus_client import Gauge
from twisted.logger import Logger

VARIABLE = "GITALY_TX_WATCH_TURNS"
"""The environment variable that switches this on."""

LONG = 0.010
"""Seconds that no turn should take."""

_DISK = frozenset(
    {"os.listdir", "os.scandir", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate", "shutil.rmtree"}
)
"""Audit events of what may wait for the disk (https://docs.python.org/3/library/audit_events.html)."""

_log = Logger()


def watch_turns(longest: Gauge) -> None:
    """
    From now on, note the longest turn of any asyncio loop of this process, and log those that are too long.

    :param longest: is set to the seconds.
    """
    seen = 0.0
    original = asyncio.Handle._run

    def run(handle: asyncio.Handle) -> None:
        nonlocal seen
        began = time.thread_time()
        original(handle)
        took = time.thread_time() - began
        if took > seen:
            seen = took
            longest.set(took)
        if took > LONG:
            _log.warn("a turn of the reactor took {took:.4f} s of CPU: {what}", took=took, what=_what(handle))

    asyncio.Handle._run = run  # type: ignore


def watch_disk(touched: Gauge) -> None:
    """
    From now on, count what this thread does that may wait for the disk, and log where.

    :param touched: counts.
    """
    reactor_thread = threading.get_ident()

    def heard(event: str, arguments: Any) -> None:
        if event in _DISK and threading.get_ident() == reactor_thread:
            touched.inc()
            where = "".join(traceback.format_stack(sys._getframe(1), 4))
            _log.warn("the reactor's thread did {event}: {where}", event=event, where=where)

    sys.addaudithook(heard)


def _what(handle: asyncio.Handle) -> str:
    return repr(handle)[:500]
