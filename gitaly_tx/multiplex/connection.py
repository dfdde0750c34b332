"""
A yamux session and its streams, whatever carries its bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from protocols.yamux.errors import GoAwayCode, ProtocolViolation, Refused, SessionEnded
from protocols.yamux.events import (
    DataReceived,
    Event,
    GoneAway,
    HalfClosed,
    PingAnswered,
    StreamAccepted,
    StreamClosed,
    StreamOpened,
    StreamReset,
    WindowOpened,
)
from protocols.yamux.session import Session

StreamEvent: TypeAlias = DataReceived | HalfClosed | StreamAccepted | StreamClosed | StreamReset | WindowOpened


class Wire(Protocol):
    """
    What carries the bytes.
    """

    def write(self, pieces: Sequence[bytes | memoryview]) -> None:
        """
        Send bytes, now or as soon as it can. They stay as they are until they are sent.
        """

    def close(self) -> None:
        """
        Close it once all is sent.
        """

    def abort(self) -> None:
        """
        Close it at once.
        """


class Side(Protocol):
    """
    Who uses a stream. What is called may use the stream at once.
    """

    def accepted(self) -> None:
        """
        The peer has accepted the stream, which is ours.
        """

    def data_received(self, data: bytes) -> None:
        """
        Some bytes; as many again come once they are reported with :func:`Stream.consumed`.
        """

    def half_closed(self) -> None:
        """
        The peer sends no more.
        """

    def writable(self) -> None:
        """
        More may be sent.
        """

    def closed(self, whole: bool) -> None:
        """
        The stream is no more, and nothing else will be called.

        :param whole: both sides had closed it; otherwise it was broken off.
        """


class Stream:
    """
    One stream of a connection.

    :param stream_id: its number.
    """

    __slots__ = ("_connection", "side", "stream_id")

    def __init__(self, connection: Connection, stream_id: int) -> None:
        self._connection = connection
        self.stream_id = stream_id
        self.side: Side | None = None
        """Who uses it; told what comes from now on."""

    @property
    def room(self) -> int:
        """
        How many bytes :meth:`send` takes now.
        """
        return self._connection.room(self.stream_id)

    def send(self, data: bytes | memoryview) -> int:
        """
        Send as much as may be sent now.

        :returns: how many bytes were taken. The rest is for later: :func:`Side.writable` says when.
        :raises Refused: if the stream is no more, or closed in our direction.
        """
        return self._connection.send(self.stream_id, data)

    def consumed(self, count: int) -> None:
        """
        Say that some bytes have been dealt with.
        """
        self._connection.consumed(self.stream_id, count)

    def accept(self) -> None:
        """
        Take it, if the peer opened it.

        :raises Refused: if it is no more.
        """
        self._connection.accept(self.stream_id)

    def close(self) -> None:
        """
        Send no more.
        """
        self._connection.end(self.stream_id, reset=False)

    def reset(self) -> None:
        """
        Break it off.
        """
        self._connection.end(self.stream_id, reset=True)


class Connection:
    """
    A session.

    As long as the wire takes no more, nothing is written: what the session has to say waits in the session, which is bounded, and
    its streams have no room.

    :param session: just made.
    :param wire: where its bytes go. What comes over it is given to :meth:`data_received`, whose end to :meth:`connection_lost`,
        and whether it takes more is told with :meth:`pause` and :meth:`resume`.
    :param opened: told of each stream that the peer opens; it sets :attr:`Stream.side` and accepts or resets the stream.
    :param lost: told, once, when the connection is no more.
    """

    def __init__(
        self, session: Session, wire: Wire, opened: Callable[[Stream], None], lost: Callable[[], None] | None = None
    ) -> None:
        self._session = session
        self._wire = wire
        self._opened = opened
        self._lost = lost
        self._streams: dict[int, Stream] = {}
        self._paused = False
        self._over = False
        self.problem: str = ""
        """Why the session ended, if the peer did what it must not."""

    @property
    def over(self) -> bool:
        """
        Whether the connection is no more.
        """
        return self._over

    def open(self) -> Stream:
        """
        Open a stream. It may be sent to before the peer accepts it.

        :raises Refused: if there cannot be one.
        """
        if self._over:
            raise SessionEnded()
        stream = self._add(self._session.open_stream())
        self._flush()
        return stream

    def close(self) -> None:
        """
        End the session in order, and all its streams.
        """
        if not self._over:
            self._session.go_away()
            self._flush()
            self._wire.close()
            self.connection_lost()

    def abort(self) -> None:
        """
        End it at once.
        """
        if not self._over:
            self._wire.abort()
            self.connection_lost()

    # The wire's side

    def data_received(self, data: bytes) -> None:
        """
        Bytes came over the wire.
        """
        if self._over:
            return
        try:
            events = self._session.receive(data)
        except ProtocolViolation as violation:
            self.problem = f"{violation}: {violation.facts}"
            self._end_session()
            return
        self._happened(events)
        if self._session.ended:
            self._end_session()
        else:
            self._flush()

    def connection_lost(self) -> None:
        """
        The wire is no more. Safe to repeat.
        """
        if self._over:
            return
        self._over = True
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            if stream.side is not None:
                stream.side.closed(False)
        if self._lost is not None:
            self._lost()

    def pause(self) -> None:
        """
        The wire takes no more for now.
        """
        self._paused = True

    def resume(self) -> None:
        """
        The wire takes more again.
        """
        self._paused = False
        self._flush()
        self._writable(list(self._streams.values()))

    # The streams' side

    def room(self, stream_id: int) -> int:
        """
        As :attr:`Stream.room`.
        """
        return 0 if self._paused or self._over else self._session.window(stream_id)

    def accept(self, stream_id: int) -> None:
        """
        As :meth:`Stream.accept`.
        """
        if self._over:
            raise SessionEnded()
        self._session.accept(stream_id)
        self._flush()

    def send(self, stream_id: int, data: bytes | memoryview) -> int:
        """
        As :meth:`Stream.send`.
        """
        if self._over:
            raise SessionEnded()
        if self._paused:
            return 0
        count = self._session.send(stream_id, data)
        self._flush()
        return count

    def consumed(self, stream_id: int, count: int) -> None:
        """
        As :meth:`Stream.consumed`.
        """
        if not self._over:
            self._session.consumed(stream_id, count)
            self._flush()

    def end(self, stream_id: int, *, reset: bool) -> None:
        """
        As :meth:`Stream.close` and :meth:`Stream.reset`.
        """
        if self._over:
            return
        try:
            events = self._session.reset(stream_id) if reset else self._session.close(stream_id)
        except Refused:
            return
        if reset:
            self._streams.pop(stream_id, None)
        self._happened(events)
        self._flush()

    # Inside

    def _add(self, stream_id: int) -> Stream:
        stream = self._streams[stream_id] = Stream(self, stream_id)
        return stream

    def _happened(self, events: list[Event]) -> None:
        for event in events:
            if self._over:
                return
            match event:
                case StreamOpened(stream_id):
                    self._opened(self._add(stream_id))
                case GoneAway(code):
                    if code != GoAwayCode.NORMAL:
                        self.problem = f"peer went away: {code}"
                case PingAnswered():
                    pass
                case _:
                    self._told(event)

    def _told(self, event: StreamEvent) -> None:
        stream = self._streams.get(event.stream_id)
        side = None if stream is None else stream.side
        gone = isinstance(event, StreamClosed | StreamReset)
        if gone:
            self._streams.pop(event.stream_id, None)
        if side is None:
            if isinstance(event, DataReceived):
                # Nobody wants it.
                self._session.consumed(event.stream_id, len(event.data))
            return
        match event:
            case DataReceived(_, data):
                side.data_received(data)
            case WindowOpened():
                side.writable()
            case HalfClosed():
                side.half_closed()
            case StreamAccepted():
                side.accepted()
            case _:
                side.closed(isinstance(event, StreamClosed))

    def _writable(self, streams: list[Stream]) -> None:
        for stream in streams:
            if self._paused or self._over:
                return
            if stream.side is not None and self._streams.get(stream.stream_id) is stream:
                stream.side.writable()

    def _end_session(self) -> None:
        self._paused = False
        self._flush()
        self._wire.close()
        self.connection_lost()

    def _flush(self) -> None:
        if self._paused or self._over:
            return
        pieces = self._session.bytes_to_send()
        if pieces:
            self._wire.write(pieces)
