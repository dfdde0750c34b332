"""
Passes a plain gRPC connection on to grpcio.

Every call of most clients goes through here, twice at least, so this does as little as can be: one system call to read, one to
write, into and out of the same memory.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Final

_MEMORY: Final = memoryview(bytearray(256 * 1024))
"""What is read is written at once, so all relays share this; only what cannot be written is kept by itself."""


class Relay:
    """
    Two sockets joined.

    :param outer: the client's.
    :param inner: grpcio's.
    :param begun: what was read from the client already.
    :param loop: the reactor's.
    :param gone: told, once, when both are about to be closed.
    """

    def __init__(
        self, outer: socket.socket, inner: socket.socket, begun: bytes, loop: Any, gone: Callable[[Relay], None]
    ) -> None:
        self._outer = outer
        self._inner = inner
        self._loop = loop
        self._gone = gone
        self._open = 2
        self._over = False
        _Direction(outer, inner, loop, self, begun)
        _Direction(inner, outer, loop, self)

    def end(self) -> None:
        """
        Close both. Safe to repeat.
        """
        if self._over:
            return
        self._over = True
        for each in (self._outer, self._inner):
            self._loop.remove_reader(each)
            self._loop.remove_writer(each)
        self._gone(self)
        self._outer.close()
        self._inner.close()

    def ended(self) -> None:
        """
        One direction has come to its end.
        """
        self._open -= 1
        if not self._open:
            self.end()


class _Direction:
    """
    What comes out of one socket goes into another, no faster than that takes it.
    """

    __slots__ = ("_ended", "_loop", "_receive", "_relay", "_rest", "_send", "_source", "_target")

    def __init__(self, source: socket.socket, target: socket.socket, loop: Any, relay: Relay, begun: bytes = b"") -> None:
        self._source = source
        self._target = target
        self._loop = loop
        self._relay = relay
        self._receive = source.recv_into
        self._send = target.send
        self._rest = bytearray()
        self._ended = False
        if begun:
            self._rest += begun
            loop.add_writer(target, self._drain)
        else:
            loop.add_reader(source, self._pass_on)

    def _pass_on(self) -> None:
        try:
            count = self._receive(_MEMORY)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._relay.end()
            return
        if not count:
            self._ended = True
            self._loop.remove_reader(self._source)
            self._shut()
            return
        try:
            sent = self._send(_MEMORY[:count])
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self._relay.end()
            return
        if sent < count:
            self._rest += _MEMORY[sent:count]
            self._loop.remove_reader(self._source)
            self._loop.add_writer(self._target, self._drain)

    def _drain(self) -> None:
        try:
            sent = self._send(self._rest)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._relay.end()
            return
        del self._rest[:sent]
        if not self._rest:
            self._loop.remove_writer(self._target)
            self._loop.add_reader(self._source, self._pass_on)

    def _shut(self) -> None:
        try:
            self._target.shutdown(socket.SHUT_WR)
        except OSError:
            self._relay.end()
            return
        self._relay.ended()
