"""
Waiting for what another process does.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from .server import PATIENCE


def eventually(true: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """
    Wait until something is true.

    :param what: is said if it does not become true.
    :raises AssertionError: if it does not within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """
    Whether a process is no more; one that nobody waited for has ended, too.
    """
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True
