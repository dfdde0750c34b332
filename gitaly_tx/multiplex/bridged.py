"""
A stream and a socket joined: what comes out of one goes into the other.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

from protocols.yamux.errors import Refused

PIECE: Final = 64 * 1024
"""How many bytes are read from the socket at once."""


class Streamlike(Protocol):
    """
    What is used of a :class:`~gitaly_tx.multiplex.connection.Stream`.
    """

    side: Any

    @property
    def room(self) -> int:
        """
        How many bytes can be sent now.
        """

    def send(self, data: bytes) -> int:
        """
        Send bytes, no more than there is room for.
        """

    def consumed(self, count: int) -> None:
        """
        Say that some bytes have been dealt with.
        """

    def close(self) -> None:
        """
        Send no more.
        """

    def reset(self) -> None:
        """
        Break it off.
        """


class Bridged:
    """
    Moves bytes both ways, no faster than either side takes them, until one side has gone; then the other goes too.

    It is the stream's side (:class:`~gitaly_tx.multiplex.connection.Side`), and owns the socket.

    :param stream: whose side this becomes.
    :param loop: the reactor's.
    """

    def __init__(self, stream: Streamlike, loop: Any) -> None:
        self._stream = stream
        self._loop = loop
        self._socket: socket.socket | None = None
        self._closing: Callable[[], None] = _nothing
        self._at_end: Callable[[], None] = _nothing
        self._waiting: deque[memoryview] = deque()
        self._ending = False
        self._over = False
        self._reading = False
        self._ended = False
        stream.side = self

    def join(self, joined: socket.socket, closing: Callable[[], None], ended: Callable[[], None]) -> None:
        """
        Begin; what came from the stream before has waited.

        :param joined: connected and non-blocking.
        :param closing: told, once, when the socket is about to be closed.
        :param ended: told, once, when the socket's other end sends no more.
        """
        self._socket = joined
        self._closing = closing
        self._at_end = ended
        self._read_on()
        if self._waiting:
            self._drain()
        elif self._ending:
            self._shut()

    def accepted(self) -> None:
        """
        Part of Side.
        """

    def data_received(self, data: bytes) -> None:
        """
        Part of Side: on into the socket.
        """
        self._waiting.append(memoryview(data))
        if len(self._waiting) == 1 and self._socket is not None:
            self._drain()

    def half_closed(self) -> None:
        """
        Part of Side.
        """
        self._ending = True
        if not self._waiting and self._socket is not None:
            self._shut()

    def writable(self) -> None:
        """
        Part of Side.
        """
        self._read_on()

    def closed(self, whole: bool) -> None:
        """
        Part of Side.
        """
        self.end()

    def end(self) -> None:
        """
        Close both at once. Safe to repeat.
        """
        if self._over:
            return
        self._over = True
        joined = self._socket
        if joined is not None:
            self._loop.remove_reader(joined)
            self._loop.remove_writer(joined)
            self._closing()
            joined.close()
        self._waiting.clear()
        self._stream.reset()

    def _drain(self) -> None:
        joined = self._socket
        assert joined is not None
        sent = 0
        try:
            while self._waiting:
                first = self._waiting[0]
                count = joined.send(first)
                sent += count
                if count < len(first):
                    self._waiting[0] = first[count:]
                    break
                self._waiting.popleft()
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.end()
            return
        if self._waiting:
            self._loop.add_writer(joined, self._drain)
        else:
            self._loop.remove_writer(joined)
            if self._ending:
                self._shut()
        if sent:
            self._stream.consumed(sent)

    def _shut(self) -> None:
        assert self._socket is not None
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.end()

    def _read_on(self) -> None:
        if self._socket is not None and not self._reading and not self._over and not self._ended:
            self._reading = True
            self._loop.add_reader(self._socket, self._readable)

    def _readable(self) -> None:
        assert self._socket is not None
        room = min(self._stream.room, PIECE)
        if not room:
            self._reading = False
            self._loop.remove_reader(self._socket)
            return
        try:
            data = self._socket.recv(room)
            if data:
                self._stream.send(data)
                return
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, Refused):
            self.end()
            return
        self._ended = True
        self._reading = False
        self._loop.remove_reader(self._socket)
        self._stream.close()
        self._at_end()


def _nothing() -> None:
    pass
