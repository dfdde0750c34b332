"""
What a new client wants, read off its first bytes.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from protocols.channels.backchannel import BACKCHANNEL, Opening, opening

Decided = Callable[[bool, bytes], None]
"""Told whether the connection is multiplexed, and what is to be read before anything else."""


class FirstBytes:
    """
    Collects bytes until they tell.

    :param decided: told once.
    """

    def __init__(self, decided: Decided) -> None:
        self._decided = decided
        self._start = b""

    def receive(self, data: bytes) -> None:
        """
        Take some bytes; none after it was decided.
        """
        self._start += data
        kind = opening(self._start)
        if kind is Opening.BACKCHANNEL:
            self._decided(True, self._start[len(BACKCHANNEL) :])
        elif kind is not None:
            # Whatever it is: grpcio knows how to refuse what is no HTTP/2.
            self._decided(False, self._start)


class Newcomer:
    """
    Reads a new connection until it tells what it is, which may not take long.

    :param fresh: the connection; does not block. It is the newcomer's until it is decided.
    :param loop: the reactor's.
    :param patience: seconds that the client may take.
    :param decided: as :data:`Decided`.
    :param gone: told if it was closed instead.
    """

    def __init__(
        self, fresh: socket.socket, loop: Any, patience: float, decided: Decided, gone: Callable[[Newcomer], None]
    ) -> None:
        self._socket = fresh
        self._loop = loop
        self._decided = decided
        self._gone = gone
        self._first = FirstBytes(self._known)
        self._deadline = loop.call_later(patience, self.end)
        loop.add_reader(fresh, self._readable)

    def end(self) -> None:
        """
        Close it.
        """
        self._let_go()
        self._socket.close()
        self._gone(self)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(1 << 16)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._first.receive(data)
        else:
            self.end()

    def _known(self, multiplexed: bool, begun: bytes) -> None:
        self._let_go()
        self._decided(multiplexed, begun)

    def _let_go(self) -> None:
        self._deadline.cancel()
        self._loop.remove_reader(self._socket)
