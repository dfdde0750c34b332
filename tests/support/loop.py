"""
A loop of asyncio's kind that turns when it is told to.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock


class CrankedLoop:
    """
    Watches descriptors, and has a clock that a test moves.

    :ivar clock: that.
    :ivar readers: what is watched for reading.
    :ivar writers: what is watched for writing.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.readers: dict[int, Callable[[], None]] = {}
        self.writers: dict[int, Callable[[], None]] = {}

    def add_reader(self, watched: socket.socket, callback: Callable[[], None]) -> None:
        """
        As asyncio's.
        """
        assert watched.fileno() >= 0
        self.readers[watched.fileno()] = callback

    def remove_reader(self, watched: socket.socket) -> bool:
        """
        As asyncio's.
        """
        return self.readers.pop(watched.fileno(), None) is not None

    def add_writer(self, watched: socket.socket, callback: Callable[[], None]) -> None:
        """
        As asyncio's.
        """
        assert watched.fileno() >= 0
        self.writers[watched.fileno()] = callback

    def remove_writer(self, watched: socket.socket) -> bool:
        """
        As asyncio's.
        """
        return self.writers.pop(watched.fileno(), None) is not None

    def call_later(self, delay: float, callback: Callable[..., None], *arguments: Any) -> _Handle:
        """
        As asyncio's.
        """
        return _Handle(self.clock, delay, callback, arguments)

    def turn(self, times: int = 20) -> None:
        """
        Do what can be done now, a few times.
        """
        for _ in range(times):
            readable, writable, _ = select.select(list(self.readers), list(self.writers), [], 0)
            if not readable and not writable:
                return
            for found, callbacks in ((readable, self.readers), (writable, self.writers)):
                for descriptor in found:
                    if descriptor in callbacks:
                        callbacks[descriptor]()


class _Handle:
    """
    A call that comes later.
    """

    def __init__(self, clock: Clock, delay: float, callback: Callable[..., None], arguments: Any) -> None:
        self._call = clock.callLater(delay, callback, *arguments)

    def cancel(self) -> None:
        """
        As asyncio's: also when it was made, or cancelled.
        """
        if self._call.active():
            self._call.cancel()


def connected() -> tuple[socket.socket, socket.socket]:
    """
    Two ends of a connection that do not block and hold little.
    """
    pair = socket.socketpair()
    for each in pair:
        each.setblocking(False)
        each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return pair
