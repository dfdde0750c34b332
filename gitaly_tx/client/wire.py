"""
A connection of asyncio's that carries a session of many streams.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any

from protocols.channels.backchannel import BACKCHANNEL
from protocols.yamux.session import Session

from ..multiplex.connection import Connection, Stream
from .dial import Target, machine_roots


class SessionWire(asyncio.Protocol):
    """
    The client's end: it says what the connection is for, and what follows is the session.

    :param opened: as :class:`~gitaly_tx.multiplex.connection.Connection` takes it.
    :param lost: as :class:`~gitaly_tx.multiplex.connection.Connection` takes it.
    """

    def __init__(self, opened: Callable[[Stream], None], lost: Callable[[], None]) -> None:
        self._transport: Any = None
        self.connection = Connection(Session(client=True), self, opened, lost)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """
        Part of asyncio.Protocol.
        """
        self._transport = transport
        self._transport.write(BACKCHANNEL)

    def data_received(self, data: bytes) -> None:
        """
        Part of asyncio.Protocol.
        """
        self.connection.data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        """
        Part of asyncio.Protocol.
        """
        self.connection.connection_lost()

    def pause_writing(self) -> None:
        """
        Part of asyncio.Protocol.
        """
        self.connection.pause()

    def resume_writing(self) -> None:
        """
        Part of asyncio.Protocol.
        """
        self.connection.resume()

    # As :class:`~gitaly_tx.multiplex.connection.Wire`.

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """
        Send bytes.
        """
        self._transport.write(b"".join(pieces))

    def close(self) -> None:
        """
        Close it once all is sent.
        """
        self._transport.close()

    def abort(self) -> None:
        """
        Close it at once.
        """
        self._transport.abort()


async def connect(target: Target, roots: bytes | None, opened: Callable[[Stream], None], lost: Callable[[], None]) -> Connection:
    """
    Connect to a server.

    :param roots: PEM of the authorities that may have signed its certificate; by default those of this machine.
    :raises OSError: if it cannot be reached.
    """
    loop = asyncio.get_running_loop()

    def make() -> SessionWire:
        return SessionWire(opened, lost)

    if target.scheme == "unix":
        _, wire = await loop.create_unix_connection(make, target.rest)
        return wire.connection
    host, _, port = target.rest.rpartition("/")[2].rpartition(":")
    context = _context(roots) if target.secure else None
    _, wire = await loop.create_connection(make, host.strip("[]"), int(port), ssl=context)
    return wire.connection


def _context(roots: bytes | None) -> ssl.SSLContext:
    trusted = roots if roots is not None else machine_roots()
    context = ssl.create_default_context(cadata=None if trusted is None else trusted.decode("ascii"))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def listening(path: str) -> socket.socket:
    """
    A socket in the file system that takes one connection.
    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.setblocking(False)
    made.bind(path)
    made.listen(1)
    return made
