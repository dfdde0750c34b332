"""
The loop that the reactor runs on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from twisted.internet import asyncioreactor

from .observability.turns import VARIABLE


def install(environ: Mapping[str, str]) -> None:
    """
    Install Twisted's asyncio reactor; on uvloop's loop if there is one, which takes a tenth off what a call costs.

    twistd goes to the background after this, and both kinds of loop survive that: the child goes on with the epoll instance that
    the parent made, and the parent ends at once.

    :param environ: whoever watches the loop's turns needs asyncio's own, written in Python.
    """
    loop = None if environ.get(VARIABLE) else _fast()
    if loop is not None:
        asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)


def _fast() -> asyncio.AbstractEventLoop | None:
    try:
        import uvloop
    except ImportError:
        return None
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
