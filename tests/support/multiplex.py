"""
Two ends of a multiplexed connection, with nothing between them but what a test lets through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gitaly_tx.multiplex.connection import Connection, Stream
from protocols.yamux.session import Session


class MemoryWire:
    """
    Keeps what is written until it is carried over.

    :ivar written: that.
    :ivar closed: ``close`` or ``abort``, once it is.
    """

    def __init__(self) -> None:
        self.written = bytearray()
        self.closed = ""

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """
        As :func:`gitaly_tx.multiplex.connection.Wire.write`.
        """
        self.written += b"".join(pieces)

    def close(self) -> None:
        """
        As :func:`gitaly_tx.multiplex.connection.Wire.close`.
        """
        self.closed = "close"

    def abort(self) -> None:
        """
        As :func:`gitaly_tx.multiplex.connection.Wire.abort`.
        """
        self.closed = "abort"


class RecordingSide:
    """
    Notes what it is told, as :class:`~gitaly_tx.multiplex.connection.Side`.
    """

    def __init__(self) -> None:
        self.events: list[Any] = []

    def accepted(self) -> None:
        """
        The peer accepted.
        """
        self.events.append("accepted")

    def data_received(self, data: bytes) -> None:
        """
        Data.
        """
        self.events.append(data)

    def half_closed(self) -> None:
        """
        No more data.
        """
        self.events.append("half closed")

    def writable(self) -> None:
        """
        Room.
        """
        self.events.append("writable")

    def closed(self, whole: bool) -> None:
        """
        The end.
        """
        self.events.append("closed" if whole else "broken")


class Pair:
    """
    A client and a server.

    :param accepts: what the server does with streams that the client opens.
    """

    def __init__(self, accepts: Callable[[Stream], None] | None = None, window: int = 256 * 1024) -> None:
        self.wires = (MemoryWire(), MemoryWire())
        self.offered: list[Stream] = []
        self.lost: list[str] = []
        self.client = Connection(Session(client=True), self.wires[0], self.offered.append, lambda: self.lost.append("client"))
        self.server = Connection(
            Session(client=False, maximum_window=window),
            self.wires[1],
            accepts or self._accept,
            lambda: self.lost.append("server"),
        )
        self.sides: list[RecordingSide] = []
        self.accepted: list[Stream] = []

    def _accept(self, stream: Stream) -> None:
        stream.side = RecordingSide()
        self.sides.append(stream.side)
        self.accepted.append(stream)
        stream.accept()

    def carry(self) -> None:
        """
        Carry everything over, until there is nothing more.
        """
        while any(wire.written for wire in self.wires):
            for wire, target in zip(self.wires, (self.server, self.client), strict=True):
                data = bytes(wire.written)
                wire.written.clear()
                if data:
                    target.data_received(data)

    def open(self) -> tuple[Stream, RecordingSide]:
        """
        A stream of the client's, open on both sides.
        """
        stream = self.client.open()
        side = RecordingSide()
        stream.side = side
        self.carry()
        side.events.clear()
        return stream, side
