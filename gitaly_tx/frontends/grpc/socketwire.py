"""
A socket that carries a session of many streams.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from ...multiplex.connection import Connection

AT_ONCE: Final = 512
"""How many pieces one system call is given; the system takes 1024."""

PIECE: Final = 128 * 1024
"""How many bytes are read at once."""


class SocketWire:
    """
    Carries the bytes of a session without copying them. As soon as the socket takes no more the session is paused, so that what
    waits here is no more than a session gives at once.

    :param carrying: connected and non-blocking; the object's from now on.
    :param loop: the reactor's.
    :param gone: told, once, when it is closed.
    """

    def __init__(self, carrying: socket.socket, loop: Any, gone: Callable[[SocketWire], None]) -> None:
        self._socket = carrying
        self._loop = loop
        self._gone = gone
        self._waiting: deque[bytes | memoryview] = deque()
        self._closing = False
        self._closed = False
        self._connection: Connection | None = None

    def begin(self, connection: Connection, begun: bytes) -> None:
        """
        Carry a session.

        :param begun: what was read already.
        """
        self._connection = connection
        self._loop.add_reader(self._socket, self._readable)
        if begun:
            connection.data_received(begun)

    def end(self) -> None:
        """
        Close it at once, whatever waits. Safe to repeat.
        """
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        self._waiting.clear()
        if self._connection is not None:
            self._connection.connection_lost()
        self._gone(self)

    # As :class:`~gitaly_tx.multiplex.connection.Wire`.

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """
        Send bytes.
        """
        begin = not self._waiting
        self._waiting.extend(pieces)
        if begin and self._send() and self._waiting and self._connection is not None:
            self._connection.pause()
            self._loop.add_writer(self._socket, self._writable)

    def close(self) -> None:
        """
        Close it once all is sent.
        """
        self._closing = True
        if not self._waiting:
            self.end()

    def abort(self) -> None:
        """
        Close it at once.
        """
        self.end()

    # Inside

    def _send(self) -> bool:
        """
        :returns: whether the socket is still good for something.
        """
        while self._waiting and not self._closed:
            pieces = [self._waiting[at] for at in range(min(len(self._waiting), AT_ONCE))]
            try:
                sent = self._socket.sendmsg(pieces)
            except (BlockingIOError, InterruptedError):
                return True
            except OSError:
                self.end()
                return False
            while sent:
                first = self._waiting.popleft()
                if sent < len(first):
                    self._waiting.appendleft(memoryview(first)[sent:])
                sent -= min(sent, len(first))
        return not self._closed

    def _writable(self) -> None:
        if not self._send() or self._waiting:
            return
        self._loop.remove_writer(self._socket)
        if self._closing:
            self.end()
        elif self._connection is not None:
            self._connection.resume()

    def _readable(self) -> None:
        try:
            data = self._socket.recv(PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.end()
        elif self._connection is not None:
            self._connection.data_received(data)
