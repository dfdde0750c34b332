"""
One end of a yamux connection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from .errors import (
    FrameTooLarge,
    GoAwayCode,
    InvalidStreamID,
    PeerGoneAway,
    ProtocolViolation,
    SessionEnded,
    StreamNotOpen,
    StreamsExhausted,
    TooManyStreams,
)
from .events import (
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
from .frames import ACK, FIN, RST, SYN, Frame, FrameDecoder, FrameType, Payload
from .ids import PeerIDs
from .outgoing import Outgoing
from .stream import OFFERED, UNANSWERED, Cause, Output, State, Stream
from .window import INITIAL, LARGEST, ReceiveWindow, SendWindow

MAX_PINGS = 64
"""How many of our last pings can still be answered."""

_FLAGS = {Output.SEND_SYN: SYN, Output.SEND_ACK: ACK, Output.SEND_UPDATE: 0, Output.SEND_FIN: FIN, Output.SEND_RST: RST}

_EVENTS: dict[Output, Callable[[Stream, bytes], Event]] = {
    Output.TELL_ACCEPTED: lambda stream, data: StreamAccepted(stream.stream_id),
    Output.TELL_DATA: lambda stream, data: DataReceived(stream.stream_id, data),
    Output.TELL_WINDOW: lambda stream, data: WindowOpened(stream.stream_id, stream.sending.size),
    Output.TELL_HALF_CLOSED: lambda stream, data: HalfClosed(stream.stream_id),
    Output.TELL_CLOSED: lambda stream, data: StreamClosed(stream.stream_id),
    Output.TELL_RESET: lambda stream, data: StreamReset(stream.stream_id),
}


class Session:
    """
    Takes what comes over a connection and returns events; takes its owner's wishes and has bytes to send.

    After each call the owner writes :meth:`bytes_to_send` to the connection, or does so as soon as the connection takes more.

    A stream that the peer opened (:class:`StreamOpened`) is to be accepted or reset. One of ours may be sent to as soon as
    :meth:`window` says so, before the peer accepts it: it may still reset it. Only ``accept_backlog`` streams of ours wait for
    the peer at a time; further ones are announced in their turn, when a :class:`WindowOpened` says so. A stream is gone after
    :class:`StreamClosed`, :class:`StreamReset`, or :meth:`reset`. Wishes for a stream that is gone are no mistake, since the peer
    may have ended it in the meantime: what can be pointless does nothing, what cannot raises
    :class:`~protocols.yamux.errors.StreamNotOpen`.

    Nothing here grows without bound: data wait with their owner until the window lets them through; streams, bytes to send and
    answers that the peer provokes are counted and limited.

    What needs a clock is the owner's: resetting a stream whose other half does not close within minutes, giving up a session
    whose peer does not accept a stream or answer a ping.

    :param client: whether this is the side that made the connection.
    :param maximum_window: how many bytes of each stream may wait here to be consumed; at least
        :data:`~protocols.yamux.window.INITIAL`.
    :param accept_backlog: how many streams of one side may wait to be accepted by the other. Both sides are meant to have the
        same: streams of the peer beyond it are reset.
    :param max_streams: how many streams may be there in all; more of the peer's are reset.
    :param max_queued: how many bytes of data may wait in the session to be fetched by :meth:`bytes_to_send`.
    """

    def __init__(
        self,
        client: bool,
        maximum_window: int = INITIAL,
        accept_backlog: int = 256,
        max_streams: int = 4096,
        max_queued: int = 1 << 20,
    ) -> None:
        if not INITIAL <= maximum_window <= LARGEST:
            raise ValueError("no such maximum window")
        if min(accept_backlog, max_streams, max_queued) < 1:
            raise ValueError("limits must be positive")
        self._maximum_window = maximum_window
        self._accept_backlog = accept_backlog
        self._max_streams = max_streams
        self._outgoing = Outgoing(max_queued)
        self._decoder = FrameDecoder()
        self._payload_of = Frame(FrameType.DATA, 0, 0, 0)
        self._events: list[Event] = []
        self._streams: dict[int, Stream] = {}
        self._queue: deque[Stream] = deque()
        self._unanswered = 0
        self._offered = 0
        self._next_id = 1 if client else 2
        self._peer_ids = PeerIDs(not client)
        self._next_ping = 0
        self._pings: deque[int] = deque(maxlen=MAX_PINGS)
        self._we_go = False
        self._peer_goes = False
        self._ended = False
        self._failure: ProtocolViolation | None = None

    @property
    def ended(self) -> bool:
        """
        Whether the session is over, so that the connection should be closed once everything is sent: the peer violated the
        protocol, or one side went away because of an error.
        """
        return self._ended

    @property
    def streams(self) -> int:
        """
        How many streams there are.
        """
        return len(self._streams)

    def receive(self, data: bytes) -> list[Event]:
        """
        Take what came over the connection. Once the session is over, nothing is taken.

        :raises ProtocolViolation: if the peer does what it must not. The error is final, and events from the same ``data`` are
            lost; the peer is told, with the last of :meth:`bytes_to_send`.
        """
        if self._failure is not None:
            raise self._failure
        if self.ended:
            return []
        try:
            for item in self._decoder.receive(data):
                if isinstance(item, Payload):
                    self._payload_received(item)
                elif item.frame_type is FrameType.PING:
                    self._ping_received(item)
                elif item.frame_type is FrameType.GO_AWAY:
                    self._peer_went(item.length)
                else:
                    self._frame_received(item)
                if self._ended:
                    break
        except ProtocolViolation as violation:
            self._failure = violation
            self._events.clear()
            self.go_away(GoAwayCode.PROTOCOL_ERROR)
            raise
        return self._told()

    def bytes_to_send(self) -> list[bytes | memoryview]:
        """
        :returns: what is to be written to the connection, in this order, and nothing else in between. It is given out once.
        """
        return self._outgoing.fetch()

    def open_stream(self) -> int:
        """
        :returns: the number of a new stream.
        :raises Refused: if there cannot be one; its kinds say why.
        """
        self._check_going_on()
        if self._peer_goes:
            raise PeerGoneAway()
        if len(self._streams) >= self._max_streams:
            raise TooManyStreams(self._max_streams)
        if self._next_id > LARGEST:
            raise StreamsExhausted()
        stream = self._add(self._next_id, State.QUEUED, SendWindow(0))
        self._next_id += 2
        if self._unanswered < self._accept_backlog:
            self._start(stream)
        else:
            self._queue.append(stream)
        return stream.stream_id

    def accept(self, stream_id: int) -> None:
        """
        Take a stream that the peer opened. Sending to it or closing it does so too.

        :raises SessionEnded:
        :raises StreamNotOpen: if it is gone, or accepted already.
        """
        self._step(self._existing(stream_id), Cause.ACCEPT)

    def window(self, stream_id: int) -> int:
        """
        How many bytes :meth:`send` would take now; 0 also for a stream that is gone or that we closed.
        """
        stream = self._streams.get(stream_id)
        return self._room(stream) if stream is not None and stream.allows(Cause.SEND) else 0

    def send(self, stream_id: int, data: bytes | memoryview) -> int:
        """
        Send as much as may be sent now.

        :param data: bytes; they are not copied, and must stay as they are until they are written to the connection.
        :returns: how many of them were taken. The rest is for later: once the bytes to send are fetched, if the :meth:`window` is
            still open, else after :class:`WindowOpened`.
        :raises SessionEnded:
        :raises StreamNotOpen: if the stream is gone, or we closed it.
        """
        stream = self._existing(stream_id)
        self._step(stream, Cause.SEND)
        count = min(len(data), self._room(stream))
        if count:
            stream.sending.take(count)
            self._outgoing.put_data(stream_id, data if count == len(data) else memoryview(data)[:count])
        return count

    def consumed(self, stream_id: int, count: int) -> None:
        """
        Say that ``count`` bytes of what came have been dealt with, so that the peer may send as many again. It is told so once
        half of the maximum window can be given back.

        :raises ValueError: if not so many came.
        """
        stream = self._streams.get(stream_id)
        if stream is not None:
            stream.receiving.consumed(count)
            self._step(stream, Cause.CONSUME)

    def close(self, stream_id: int) -> list[Event]:
        """
        Send no more data on this stream. What was not taken by :meth:`send` will not be sent.

        :returns: what follows: :class:`StreamClosed`, if the peer had closed it before, or it was never announced.
        """
        return self._end_stream(stream_id, Cause.CLOSE)

    def reset(self, stream_id: int) -> list[Event]:
        """
        Break a stream off, or refuse it. What the peer still sends is dropped.

        :returns: what follows: :class:`WindowOpened` for other streams, whose turn has come.
        """
        return self._end_stream(stream_id, Cause.RESET)

    def ping(self) -> int:
        """
        Ask whether the peer is there.

        :returns: what :class:`PingAnswered` will have.
        :raises SessionEnded:
        """
        self._check_going_on()
        value, self._next_ping = self._next_ping, (self._next_ping + 1) & LARGEST
        self._pings.append(value)
        self._outgoing.put(Frame(FrameType.PING, SYN, 0, value))
        return value

    def go_away(self, code: int = GoAwayCode.NORMAL) -> None:
        """
        Take no new streams of the peer. With another ``code`` than 0 the session is over.
        """
        if not self._ended:
            self._we_go = True
            self._outgoing.put(Frame(FrameType.GO_AWAY, 0, 0, code))
            if code != GoAwayCode.NORMAL:
                self._end()

    # What comes from the peer

    def _frame_received(self, frame: Frame) -> None:
        if not frame.stream_id:
            raise InvalidStreamID(frame.stream_id)
        self._payload_of = frame
        if frame.flags & SYN:
            self._offer(frame.stream_id)
        stream = self._streams.get(frame.stream_id)
        if stream is None or stream.state is State.QUEUED:
            # It may have crossed with our reset.
            if frame.frame_type is FrameType.DATA and frame.length > self._maximum_window:
                raise FrameTooLarge(frame.length, self._maximum_window)
            return
        if frame.flags & RST:
            self._step(stream, Cause.RST)
            return
        self._step(stream, Cause.FRAME)
        if frame.frame_type is FrameType.DATA:
            stream.receiving.take(frame.length)
        elif frame.length:
            stream.sending.grow(frame.length)
            self._step(stream, Cause.WINDOW)
        if frame.flags & FIN and (frame.frame_type is not FrameType.DATA or not frame.length):
            self._step(stream, Cause.FIN)

    def _payload_received(self, payload: Payload) -> None:
        frame = self._payload_of
        stream = self._streams.get(frame.stream_id)
        if stream is None or stream.state is State.QUEUED:
            return
        self._step(stream, Cause.DATA, payload.data)
        if payload.ends and frame.flags & FIN:
            self._step(stream, Cause.FIN)

    def _offer(self, stream_id: int) -> None:
        self._peer_ids.use(stream_id)
        if self._we_go or self._offered >= self._accept_backlog or len(self._streams) >= self._max_streams:
            self._outgoing.put_answer(Frame(FrameType.WINDOW_UPDATE, RST, stream_id, 0))
            return
        self._add(stream_id, State.SYN_RECEIVED, SendWindow())
        self._offered += 1
        self._events.append(StreamOpened(stream_id))

    def _ping_received(self, frame: Frame) -> None:
        if frame.flags & SYN:
            self._outgoing.put_answer(Frame(FrameType.PING, ACK, 0, frame.length))
        elif frame.length in self._pings:
            self._pings.remove(frame.length)
            self._events.append(PingAnswered(frame.length))

    def _peer_went(self, code: int) -> None:
        self._peer_goes = True
        if code == GoAwayCode.NORMAL:
            for stream in list(self._queue):
                self._step(stream, Cause.RST)
        else:
            self._end()
        self._events.append(GoneAway(code))

    # Streams

    def _add(self, stream_id: int, state: State, sending: SendWindow) -> Stream:
        stream = Stream(stream_id, state, sending, ReceiveWindow(self._maximum_window))
        self._streams[stream_id] = stream
        return stream

    def _existing(self, stream_id: int) -> Stream:
        self._check_going_on()
        stream = self._streams.get(stream_id)
        if stream is None:
            raise StreamNotOpen(stream_id)
        return stream

    def _room(self, stream: Stream) -> int:
        return min(stream.sending.size, self._outgoing.room)

    def _start(self, stream: Stream) -> None:
        stream.sending.grow(INITIAL)
        self._step(stream, Cause.START)

    def _end_stream(self, stream_id: int, cause: Cause) -> list[Event]:
        stream = self._streams.get(stream_id)
        if stream is not None:
            self._step(stream, cause)
        return self._told()

    def _step(self, stream: Stream, cause: Cause, data: bytes = b"") -> None:
        before = stream.state
        for output in stream.step(cause):
            if output in _FLAGS:
                self._control(stream, output)
            else:
                self._events.append(_EVENTS[output](stream, data))
        if stream.state is not before:
            self._moved(stream, before)

    def _control(self, stream: Stream, output: Output) -> None:
        delta = 0
        if output in (Output.SEND_SYN, Output.SEND_ACK) or (output is Output.SEND_UPDATE and stream.receiving.due()):
            delta = stream.receiving.update()
        if delta or output is not Output.SEND_UPDATE:
            self._outgoing.put(Frame(FrameType.WINDOW_UPDATE, _FLAGS[output], stream.stream_id, delta))

    def _moved(self, stream: Stream, before: State) -> None:
        self._offered += (stream.state in OFFERED) - (before in OFFERED)
        self._unanswered += (stream.state in UNANSWERED) - (before in UNANSWERED)
        if stream.state is State.CLOSED:
            del self._streams[stream.stream_id]
            if before is State.QUEUED:
                self._queue.remove(stream)
        if self._queue and self._unanswered < self._accept_backlog:
            started = self._queue.popleft()
            self._start(started)
            self._events.append(WindowOpened(started.stream_id, INITIAL))

    # The session

    def _told(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _check_going_on(self) -> None:
        if self._ended:
            raise SessionEnded()

    def _end(self) -> None:
        self._ended = True
        self._streams.clear()
        self._queue.clear()
