"""
Looking at a file once more, right here.

The reactor's thread does not touch the disk, because the disk may take its time. But most calls look at the same few files as
calls just before them, and only to find them unchanged: the kernel answers that from memory, in a microsecond or two for each
file. To hand it to a thread costs ten times as much, most of it because the thread has to wait for Python's lock after every
system call. So a look is taken in the reactor's thread if

1. the files are on a local disk: a server in the network may not answer at all;
2. the same look was taken in a thread a moment ago (:data:`FRESH`), so that the kernel has everything in memory;
3. it is small: whoever would have to read a file that is not known to be unchanged, but for one of a page or so, says
   :func:`needs_disk`, and whoever hands out what is in memory says how much it is (:func:`works_through`);
4. none of them had to wait for the disk lately: on a machine that has no memory left all of them go to threads for a while.
"""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from twisted.logger import Logger

T = TypeVar("T")

FRESH: Final = 5.0
"""Seconds for which the kernel is trusted to keep in memory what was looked at."""

LONG: Final = 0.003
"""Seconds after which it is found out whether a look waits for the disk, or for a processor like everybody else."""

SHY: Final = 60.0
"""Seconds without looks here, after one that waited for the disk."""

MOST: Final = 4096
"""Looks that are remembered."""


BUDGET: Final = 64 * 1024
"""Bytes that one look may work through here."""


class NotHere(Exception):
    """
    Too much to be done here.
    """


class _Looking(threading.local):
    left: int | None = None


_looking = _Looking()


def needs_disk() -> None:
    """
    Said by whoever is about to read something from the disk that a look may do without.

    :raises NotHere: in the reactor's thread, so that it is done in another.
    """
    if _looking.left is not None:
        raise NotHere


def works_through(count: int) -> None:
    """
    Said by whoever hands out bytes that are in memory, for somebody to work through.

    :raises NotHere: in the reactor's thread, if it is too much.
    """
    if _looking.left is not None:
        _looking.left -= count
        if _looking.left < 0:
            raise NotHere


def blocks_read() -> int:
    """
    How many blocks the calling thread has read from disks.
    """
    return resource.getrusage(resource.RUSAGE_THREAD).ru_inblock


class Warm:
    """
    Decides where looks are taken.

    :param now: seconds.
    :param blocks: how much this thread has read from the disk.
    """

    _log = Logger()

    def __init__(self, now: Callable[[], float] = time.monotonic, blocks: Callable[[], int] = blocks_read) -> None:
        self._blocks = blocks
        self._blocks_before = 0
        self._roots: tuple[str, ...] = ()
        self._now = now
        self._until: dict[tuple[str, object], float] = {}
        self._shy_until = 0.0

    def trust(self, root: str) -> None:
        """
        :param root: a directory on a local disk; what is not below one is always looked at in a thread.
        """
        self._roots = (*self._roots, root.rstrip("/") + "/")

    async def look(
        self, key: tuple[str, object], in_thread: Callable[..., Awaitable[Any]], work: Callable[..., T], *args: Any
    ) -> T:
        """
        Do something small, here or in a thread.

        :param key: what is looked at: an absolute path, and whatever else tells two looks apart.
        :param in_thread: does work in a thread.
        :param work: it may be done twice.
        """
        began = self._now()
        if self._until.get(key, 0.0) > began >= self._shy_until:
            _looking.left = BUDGET
            try:
                return work(*args)
            except NotHere:
                pass
            finally:
                _looking.left = None
                if self._now() - began > LONG:
                    self._took_long(key[0], self._now() - began)
        result: T = await in_thread(work, *args)
        if key[0].startswith(self._roots):
            if len(self._until) >= MOST:
                self._until.clear()
            self._until[key] = self._now() + FRESH
            # What this thread has read until now was for somebody else.
            self._blocks_before = self._blocks()
        return result

    def _took_long(self, path: str, seconds: float) -> None:
        blocks, before = self._blocks(), self._blocks_before
        self._blocks_before = blocks
        if blocks > before:
            self._shy_until = self._now() + SHY
            self._log.warn("a look at {path} waited for the disk, {seconds:.3f} s", path=path, seconds=seconds)


NEVER: Final = Warm()
"""All looks in threads."""
