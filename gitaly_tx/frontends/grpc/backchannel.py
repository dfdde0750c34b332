"""
A connection that began with ``backchannel``: yamux. Its first stream carries the client's gRPC calls; the others are ours to
open.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.logger import Logger

from protocols.yamux.session import Session

from ...multiplex.bridged import Bridged
from ...multiplex.connection import Connection, Stream, Wire
from .origins import Full, Origin, Origins

WINDOW: Final = 1 << 20
"""
How many bytes of each stream may be on their way to us. Gitaly has 16 MiB, which is how much a client could make it keep; what
limits a client that is far away is gRPC's own window, within this one.
"""

BACKLOG: Final = 1
"""How many streams of a side may wait to be accepted: Gitaly's number, which its clients count with."""

STREAMS: Final = 1024
"""How many streams a connection may have in all."""

RETRY: Final = 0.05
"""Seconds until the private socket is tried again."""


class Backchannel:
    """
    One such connection.

    :param wire: what carries it.
    :param text: the client's address, for the log.
    :param origins: where its calls go.
    :param loop: the reactor's.
    :ivar connection: its session.
    """

    _log = Logger()

    def __init__(self, wire: Wire, text: str, origins: Origins, loop: Any) -> None:
        self._text = text
        self._origins = origins
        self._loop = loop
        self._offered = False
        session = Session(client=False, maximum_window=WINDOW, accept_backlog=BACKLOG, max_streams=STREAMS)
        self.connection = Connection(session, wire, self._opened, self._lost)

    def _opened(self, stream: Stream) -> None:
        if self._offered:
            stream.reset()
            return
        self._offered = True
        stream.accept()
        self._serve(Bridged(stream, self._loop))

    def _serve(self, calls: Bridged) -> None:
        """
        Join the first stream with grpcio.
        """
        connection = self.connection
        if connection.over:
            return
        try:
            private = self._origins.connect(Origin(self._text, connection))
        except Full:
            self._loop.call_later(RETRY, self._serve, calls)
        except OSError:
            connection.abort()
        else:
            calls.join(private, lambda: self._origins.forget(private), connection.close)

    def _lost(self) -> None:
        if self.connection.problem:
            self._log.info("connection of {peer} ended: {problem}", peer=self._text, problem=self.connection.problem)
