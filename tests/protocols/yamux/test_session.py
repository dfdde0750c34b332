"""
One end of a yamux connection, against frames written by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.yamux.errors import (
    AnswersNotRead,
    DuplicateStream,
    FrameTooLarge,
    GoAwayCode,
    InvalidStreamID,
    PeerGoneAway,
    ProtocolViolation,
    ReceiveWindowExceeded,
    Refused,
    SendWindowOverflow,
    SessionEnded,
    StreamNotOpen,
    StreamsExhausted,
    TooManySkipped,
    TooManyStreams,
    UnexpectedOnStream,
    UnknownFrameType,
    UnknownVersion,
    YamuxError,
)
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
from protocols.yamux.frames import ACK, FIN, HEADER_SIZE, RST, SYN, Frame, FrameDecoder, FrameType
from protocols.yamux.outgoing import MAX_ANSWERS
from protocols.yamux.session import MAX_PINGS, Session
from protocols.yamux.stream import OFFERED, UNANSWERED, State
from protocols.yamux.window import INITIAL, LARGEST

from ..git import cuts

MAXIMUM = 16 << 20


def window(flags: int, stream_id: int, delta: int = 0) -> bytes:
    return Frame(FrameType.WINDOW_UPDATE, flags, stream_id, delta).encode()


def data(stream_id: int, payload: bytes = b"", flags: int = 0) -> bytes:
    return Frame(FrameType.DATA, flags, stream_id, len(payload)).encode() + payload


def ping(flags: int, value: int) -> bytes:
    return Frame(FrameType.PING, flags, 0, value).encode()


def go_away(code: int) -> bytes:
    return Frame(FrameType.GO_AWAY, 0, 0, code).encode()


def sent(session: Session) -> bytes:
    return b"".join(session.bytes_to_send())


def server(**limits: int) -> Session:
    return Session(False, **limits)


class OpeningTests(SynchronousTestCase):
    """
    Streams that we open.
    """

    def test_numbers(self) -> None:
        """
        Clients count from 1, servers from 2, in steps of two.
        """
        for client, numbers in ((True, [1, 3, 5]), (False, [2, 4, 6])):
            session = Session(client)
            self.assertEqual([session.open_stream() for _ in range(3)], numbers)
            self.assertEqual(sent(session), b"".join(window(SYN, number) for number in numbers))
            self.assertEqual(session.streams, 3)

    def test_larger_window(self) -> None:
        """
        The announcement lets the peer send up to our maximum.
        """
        session = server(maximum_window=MAXIMUM)
        session.open_stream()
        self.assertEqual(sent(session), window(SYN, 2, MAXIMUM - INITIAL))

    def test_send_before_accepted(self) -> None:
        """
        Data may be sent at once; the peer's acceptance widens the window.
        """
        session = server()
        session.open_stream()
        self.assertEqual(session.window(2), INITIAL)
        self.assertEqual(session.send(2, b"hello"), 5)
        self.assertEqual(sent(session), window(SYN, 2) + data(2, b"hello"))
        self.assertEqual(session.receive(window(ACK, 2, 100)), [StreamAccepted(2), WindowOpened(2, INITIAL - 5 + 100)])
        self.assertEqual(session.receive(window(ACK, 2)), [])

    def test_accepted_by_data(self) -> None:
        """
        Data accept a stream, with the flag, or without it: a peer forgets it that accepts after our end.
        """
        for flags in (ACK, 0):
            session = server()
            session.open_stream()
            session.close(2)
            self.assertEqual(session.receive(data(2, b"hi", flags)), [StreamAccepted(2), DataReceived(2, b"hi")])
            self.assertEqual(session.receive(window(FIN, 2)), [HalfClosed(2), StreamClosed(2)])

    def test_refused(self) -> None:
        """
        The peer may refuse a stream.
        """
        session = server()
        session.open_stream()
        self.assertEqual(session.receive(window(RST, 2)), [StreamReset(2)])
        self.assertEqual((session.streams, session.window(2)), (0, 0))
        self.assertEqual(self.assertRaises(StreamNotOpen, session.send, 2, b"x").stream_id, 2)

    def test_backlog(self) -> None:
        """
        Only so many streams wait for the peer; others are announced in their turn, and can be sent to from then on.
        """
        session = server(accept_backlog=1, maximum_window=INITIAL + 1)
        self.assertEqual([session.open_stream() for _ in range(3)], [2, 4, 6])
        self.assertEqual(sent(session), window(SYN, 2, 1))
        self.assertEqual([session.window(number) for number in (2, 4, 6)], [INITIAL, 0, 0])
        self.assertEqual(session.send(4, b"x"), 0)
        session.consumed(4, 0)
        self.assertEqual(session.receive(window(ACK, 2)), [StreamAccepted(2), WindowOpened(4, INITIAL)])
        self.assertEqual(sent(session), window(SYN, 4, 1))
        self.assertEqual(session.receive(window(RST, 4)), [StreamReset(4), WindowOpened(6, INITIAL)])
        self.assertEqual(sent(session), window(SYN, 6, 1))
        self.assertEqual(session.open_stream(), 8)
        self.assertEqual(session.reset(6), [WindowOpened(8, INITIAL)])
        self.assertEqual(sent(session), window(RST, 6) + window(SYN, 8, 1))

    def test_closing_does_not_free_a_place(self) -> None:
        """
        A stream that we have closed waits for the peer all the same.
        """
        session = server(accept_backlog=1)
        session.open_stream(), session.open_stream()
        self.assertEqual(session.close(2), [])
        self.assertEqual(session.window(4), 0)
        self.assertEqual(session.receive(window(ACK, 2)), [StreamAccepted(2), WindowOpened(4, INITIAL)])

    def test_end_while_queued(self) -> None:
        """
        Of a stream that ends before its turn the peer hears nothing.
        """
        session = server(accept_backlog=1)
        session.open_stream(), session.open_stream(), session.open_stream()
        self.assertEqual(sent(session), window(SYN, 2))
        self.assertEqual(session.close(4), [StreamClosed(4)])
        self.assertEqual(session.reset(6), [])
        session.receive(window(ACK, 2))
        self.assertEqual((sent(session), session.streams), (b"", 1))

    def test_frames_for_queued_streams(self) -> None:
        """
        The peer cannot know a stream that was not announced: what it says about it is dropped.
        """
        session = server(accept_backlog=1)
        session.open_stream(), session.open_stream()
        frames = data(4, b"early", FIN) + window(RST, 4) + window(ACK, 4)
        self.assertEqual(session.receive(frames), [])
        self.assertEqual(session.receive(window(ACK, 2)), [StreamAccepted(2), WindowOpened(4, INITIAL)])

    def test_limits(self) -> None:
        """
        The number of streams is limited, and so are the numbers.
        """
        session = server(max_streams=2)
        session.open_stream(), session.open_stream()
        self.assertEqual(self.assertRaises(TooManyStreams, session.open_stream).maximum, 2)
        session.reset(2)
        session._next_id = LARGEST - 1
        self.assertEqual(session.open_stream(), LARGEST - 1)
        session.reset(4)
        self.assertRaises(StreamsExhausted, session.open_stream)

    def test_sensible_limits(self) -> None:
        """
        A session is made with limits that it can keep.
        """
        for limits in (
            {"maximum_window": INITIAL - 1},
            {"maximum_window": LARGEST + 1},
            {"accept_backlog": 0},
            {"max_streams": 0},
            {"max_queued": 0},
        ):
            self.assertRaises(ValueError, server, **limits)


class AcceptingTests(SynchronousTestCase):
    """
    Streams that the peer opens.
    """

    def test_accept(self) -> None:
        """
        A stream is told, and accepted once, with our maximum.
        """
        session = server(maximum_window=MAXIMUM)
        self.assertEqual(session.receive(window(SYN, 1, 50)), [StreamOpened(1), WindowOpened(1, INITIAL + 50)])
        self.assertEqual(sent(session), b"")
        session.accept(1)
        self.assertEqual(sent(session), window(ACK, 1, MAXIMUM - INITIAL))
        self.assertEqual(session.window(1), min(INITIAL + 50, 1 << 20))
        self.assertRaises(StreamNotOpen, session.accept, 1)
        self.assertRaises(StreamNotOpen, session.accept, 3)

    def test_data_before_acceptance(self) -> None:
        """
        Data may come with the announcement, and count when the stream is accepted.
        """
        session = server(maximum_window=INITIAL + 10)
        events = session.receive(data(1, b"hello", SYN) + data(1, b"more", FIN))
        self.assertEqual(events, [StreamOpened(1), DataReceived(1, b"hello"), DataReceived(1, b"more"), HalfClosed(1)])
        session.consumed(1, 4)
        self.assertEqual(sent(session), b"")
        session.accept(1)
        self.assertEqual(sent(session), window(ACK, 1, 10 + 4))
        self.assertEqual(session.close(1), [StreamClosed(1)])
        self.assertEqual(sent(session), window(FIN, 1))

    def test_implied(self) -> None:
        """
        Sending and closing accept, too.
        """
        session = server()
        session.receive(window(SYN, 1) + window(SYN, 3) + window(SYN | FIN, 5))
        session.send(1, b"x")
        self.assertEqual(session.close(3), [])
        self.assertEqual(session.close(5), [StreamClosed(5)])
        self.assertEqual(
            sent(session),
            window(ACK, 1) + data(1, b"x") + window(ACK, 3) + window(FIN, 3) + window(ACK, 5) + window(FIN, 5),
        )

    def test_backlog(self) -> None:
        """
        Streams beyond the backlog are reset, with what they carry, until others are accepted, refused or reset.
        """
        session = server(accept_backlog=2)
        events = session.receive(window(SYN, 1) + window(SYN, 3) + data(5, b"dropped", SYN | FIN))
        self.assertEqual(events, [StreamOpened(1), StreamOpened(3)])
        self.assertEqual(sent(session), window(RST, 5))
        session.accept(1)
        self.assertEqual(session.receive(window(SYN, 7)), [StreamOpened(7)])
        self.assertEqual(session.receive(window(SYN, 9)), [])
        session.reset(7)
        self.assertEqual(session.receive(window(SYN, 11)), [StreamOpened(11)])
        self.assertEqual(session.receive(window(RST, 11) + window(SYN, 13)), [StreamReset(11), StreamOpened(13)])

    def test_too_many(self) -> None:
        """
        Streams beyond the limit are reset.
        """
        session = server(max_streams=2)
        session.open_stream()
        self.assertEqual(session.receive(window(SYN, 1) + window(SYN, 3)), [StreamOpened(1)])
        self.assertEqual(sent(session), window(SYN, 2) + window(RST, 3))

    def test_opened_and_reset(self) -> None:
        """
        A peer may open and reset in one breath.
        """
        self.assertEqual(server().receive(data(1, b"x", SYN | RST)), [StreamOpened(1), StreamReset(1)])


class DataTests(SynchronousTestCase):
    """
    Data, and their windows.
    """

    def established(self, **limits: int) -> Session:
        session = server(**limits)
        session.receive(window(SYN, 1))
        session.accept(1)
        sent(session)
        return session

    def test_send_within_window(self) -> None:
        """
        As much is taken as the peer takes, and the rest once it takes more.
        """
        session = self.established()
        block = bytes(range(256)) * 2048
        self.assertEqual(session.send(1, block), INITIAL)
        header, payload = session.bytes_to_send()
        self.assertEqual(header, Frame(FrameType.DATA, 0, 1, INITIAL).encode())
        self.assertEqual(payload, block[:INITIAL])
        self.assertEqual((session.window(1), session.send(1, block)), (0, 0))
        self.assertEqual(session.bytes_to_send(), [])
        self.assertEqual(session.receive(window(0, 1, 7)), [WindowOpened(1, 7)])
        self.assertEqual(session.send(1, memoryview(block)[INITIAL:]), 7)
        self.assertEqual(sent(session), data(1, block[INITIAL : INITIAL + 7]))

    def test_not_copied(self) -> None:
        """
        Bytes that are taken whole are sent as they are.
        """
        session = self.established()
        block = bytes(1000)
        session.send(1, block)
        self.assertIs(session.bytes_to_send()[1], block)

    def test_queue_is_limited(self) -> None:
        """
        No more is taken than may wait in the session, whatever the windows.
        """
        session = self.established(max_queued=10)
        session.receive(window(SYN, 3))
        self.assertEqual((session.window(1), session.send(1, bytes(7)), session.send(3, bytes(7))), (10, 7, 3))
        self.assertEqual((session.window(1), session.send(1, b"x")), (0, 0))
        sent(session)
        self.assertEqual(session.window(1), 10)

    def test_nothing_to_send(self) -> None:
        """
        No empty frames are sent.
        """
        session = self.established()
        self.assertEqual((session.send(1, b""), session.bytes_to_send()), (0, []))

    def test_update_at_half(self) -> None:
        """
        The peer may send more once half of the maximum was consumed.
        """
        session = self.established()
        session.receive(data(1, bytes(INITIAL)))
        session.consumed(1, INITIAL // 2 - 1)
        self.assertEqual(sent(session), b"")
        session.consumed(1, 1)
        self.assertEqual(sent(session), window(0, 1, INITIAL // 2))
        self.assertRaises(ValueError, session.consumed, 1, INITIAL)

    def test_no_update_after_the_end(self) -> None:
        """
        A peer that sends no more needs no window.
        """
        session = self.established()
        session.receive(data(1, bytes(INITIAL), FIN))
        session.consumed(1, INITIAL)
        self.assertEqual(sent(session), b"")

    def test_update_after_our_end(self) -> None:
        """
        After we have closed, the peer goes on sending, and we do not hear of its window.
        """
        session = self.established()
        self.assertEqual(session.close(1), [])
        self.assertEqual(session.receive(window(0, 1, 5) + data(1, bytes(INITIAL))), [DataReceived(1, bytes(INITIAL))])
        session.consumed(1, INITIAL)
        self.assertEqual(sent(session), window(FIN, 1) + window(0, 1, INITIAL))
        self.assertEqual(session.window(1), 0)
        self.assertRaises(StreamNotOpen, session.send, 1, b"x")
        self.assertEqual((session.close(1), sent(session)), ([], b""))

    def test_end_comes_after_data(self) -> None:
        """
        A frame with data and an end is told in that order, and the end only with the last byte.
        """
        session = self.established()
        frame = data(1, b"hello", FIN)
        self.assertEqual(session.receive(frame[:-1]), [DataReceived(1, b"hell")])
        self.assertEqual(session.receive(frame[-1:]), [DataReceived(1, b"o"), HalfClosed(1)])

    def test_empty_frames(self) -> None:
        """
        Frames without data do nothing but what their flags say; flags without a meaning do nothing.
        """
        session = self.established()
        self.assertEqual(session.receive(data(1) + data(1, b"", ACK) + data(1, b"", 0xFFF0) + window(0x10, 1)), [])
        self.assertEqual(session.receive(data(1, b"", FIN)), [HalfClosed(1)])

    def test_data_after_the_end(self) -> None:
        """
        Data after the peer's end are dropped.
        """
        session = self.established()
        session.receive(window(FIN, 1))
        self.assertEqual(session.receive(data(1, b"late") + window(0, 1, 1)), [WindowOpened(1, INITIAL + 1)])

    def test_unknown_streams(self) -> None:
        """
        What comes for a stream that is no more, or never was, is dropped: it may have crossed with our reset.
        """
        session = self.established()
        frame = data(1, b"crossing")
        self.assertEqual(session.receive(frame[:15]), [DataReceived(1, b"cro")])
        self.assertEqual(session.reset(1), [])
        self.assertEqual(sent(session), window(RST, 1))
        rest = frame[15:] + window(FIN, 1) + window(RST, 1) + data(7, bytes(INITIAL)) + data(2, b"x")
        self.assertEqual(session.receive(rest), [])
        self.assertEqual(sent(session), b"")

    def test_wishes_for_what_is_gone(self) -> None:
        """
        For a stream that is gone, what is pointless does nothing.
        """
        session = server()
        self.assertEqual((session.close(1), session.reset(1), session.window(1)), ([], [], 0))
        session.consumed(1, 5)
        self.assertEqual(session.bytes_to_send(), [])

    def test_reset_by_peer(self) -> None:
        """
        A reset comes instead of the data of its frame.
        """
        session = self.established()
        self.assertEqual(session.receive(data(1, b"dropped", RST | FIN)), [StreamReset(1)])
        self.assertEqual(session.streams, 0)


class SessionTests(SynchronousTestCase):
    """
    Pings and ends of the session.
    """

    def test_answers_pings(self) -> None:
        """
        A ping is answered with its value, whatever stream it names.
        """
        session = server()
        self.assertEqual(session.receive(ping(SYN, 77) + Frame(FrameType.PING, SYN, 9, LARGEST).encode()), [])
        self.assertEqual(sent(session), ping(ACK, 77) + ping(ACK, LARGEST))

    def test_pings(self) -> None:
        """
        Answers are told for pings that were sent, once each, in any order.
        """
        session = server()
        self.assertEqual([session.ping(), session.ping()], [0, 1])
        self.assertEqual(sent(session), ping(SYN, 0) + ping(SYN, 1))
        self.assertEqual(session.receive(ping(ACK, 1) + ping(0, 0) + ping(ACK, 1)), [PingAnswered(1), PingAnswered(0)])
        self.assertEqual(session.receive(ping(ACK, 5)), [])

    def test_old_pings(self) -> None:
        """
        Only the last pings are remembered, and their values start over.
        """
        session = server()
        session._next_ping = LARGEST
        values = [session.ping() for _ in range(MAX_PINGS + 1)]
        self.assertEqual(values[:2], [LARGEST, 0])
        self.assertEqual(session.receive(ping(ACK, LARGEST) + ping(ACK, 0)), [PingAnswered(0)])

    def test_we_go(self) -> None:
        """
        After our go-away streams of the peer are reset, and all else goes on.
        """
        session = server()
        session.receive(window(SYN, 1))
        session.go_away()
        self.assertFalse(session.ended)
        self.assertEqual(session.receive(window(SYN, 3) + data(1, b"on")), [DataReceived(1, b"on")])
        self.assertEqual(session.open_stream(), 2)
        self.assertEqual(sent(session), go_away(0) + window(RST, 3) + window(SYN, 2))

    def test_peer_goes(self) -> None:
        """
        After the peer's go-away no stream can be opened, those that wait for their turn never will be, and all else goes on.
        """
        session = server(accept_backlog=1)
        session.open_stream(), session.open_stream(), session.open_stream()
        self.assertEqual(session.receive(go_away(0)), [StreamReset(4), StreamReset(6), GoneAway(0)])
        self.assertFalse(session.ended)
        self.assertRaises(PeerGoneAway, session.open_stream)
        self.assertEqual(session.receive(window(ACK, 2)), [StreamAccepted(2)])
        self.assertEqual(session.send(2, b"on"), 2)

    def test_over(self) -> None:
        """
        An error on either side ends the session: nothing is taken or sent any more.
        """

        def by_peer(session: Session, code: int) -> None:
            self.assertEqual(session.receive(go_away(code) + window(SYN, 9) + b"junk"), [GoneAway(code)])

        def by_us(session: Session, code: int) -> None:
            session.go_away(code)
            self.assertEqual(sent(session), window(ACK, 1) + go_away(code))

        ways: list[Callable[[Session, int], None]] = [by_peer, by_us]
        for end in ways:
            for code in (GoAwayCode.PROTOCOL_ERROR, GoAwayCode.INTERNAL_ERROR, 99):
                session = server()
                session.receive(window(SYN, 1))
                session.accept(1)
                end(session, code)
                sent(session)
                self.assertTrue(session.ended)
                self.assertEqual(session.streams, 0)
                for wish in (session.open_stream, session.ping, lambda s=session: s.send(1, b"x"), lambda s=session: s.accept(1)):
                    self.assertRaises(SessionEnded, wish)
                self.assertEqual((session.close(1), session.reset(1), session.window(1)), ([], [], 0))
                session.consumed(1, 1)
                session.go_away(2)
                self.assertEqual(session.receive(b"\xff" * 50), [])
                self.assertEqual(session.bytes_to_send(), [])


class ViolationTests(SynchronousTestCase):
    """
    What the peer must not do.
    """

    def violates(self, kind: type[ProtocolViolation], *pieces: bytes, session: Session | None = None) -> ProtocolViolation:
        """
        Check that the last piece, and no earlier one, ends the session, for good, and that the peer is told.
        """
        session = session or server()
        for piece in pieces[:-1]:
            session.receive(piece)
        error = self.assertRaises(kind, session.receive, pieces[-1])
        self.assertTrue(sent(session).endswith(go_away(1)))
        self.assertTrue(session.ended)
        self.assertIs(self.assertRaises(kind, session.receive, b""), error)
        self.assertEqual(session.bytes_to_send(), [])
        return error

    def test_header(self) -> None:
        """
        Other versions and types.
        """
        self.violates(UnknownVersion, b"PRI * HTTP/2.0")
        self.violates(UnknownFrameType, b"\0\4" + bytes(10))

    def test_stream_ids(self) -> None:
        """
        Stream 0, our numbers, numbers used before, and too many left out.
        """
        self.violates(InvalidStreamID, window(0, 0))
        self.violates(InvalidStreamID, data(0, b"", SYN))
        self.violates(InvalidStreamID, window(SYN, 2))
        self.violates(InvalidStreamID, window(SYN, 1), session=Session(True))
        self.violates(DuplicateStream, window(SYN, 3), window(SYN, 1), window(SYN, 3))
        self.violates(DuplicateStream, window(SYN, 1) + window(RST, 1), window(SYN, 1))
        self.violates(DuplicateStream, window(SYN, 1), window(SYN, 3), window(SYN, 3), session=server(accept_backlog=1))
        self.violates(TooManySkipped, window(SYN, 99_999))

    def test_receive_window(self) -> None:
        """
        More data than the window allows, told by the header alone.
        """
        header = Frame(FrameType.DATA, 0, 1, INITIAL).encode()
        error = self.violates(ReceiveWindowExceeded, window(SYN, 1), data(1, b"x"), header)
        self.assertEqual(error.facts, {"window": INITIAL - 1, "length": INITIAL})
        early = Frame(FrameType.DATA, SYN, 1, INITIAL + 1).encode()
        self.violates(ReceiveWindowExceeded, early, session=server(maximum_window=MAXIMUM))

    def test_dropped_data_count(self) -> None:
        """
        Data that are dropped, because they come after the peer's end, are no way around the window.
        """
        self.violates(ReceiveWindowExceeded, window(SYN | FIN, 1), data(1, bytes(INITIAL)), data(1, b"x"))

    def test_frame_too_large(self) -> None:
        """
        Frames for streams that are no more are not larger than any window.
        """
        header = Frame(FrameType.DATA, 0, 1, INITIAL + 1).encode()
        error = self.violates(FrameTooLarge, window(SYN, 1), window(RST, 1), header)
        self.assertEqual(error.facts, {"length": INITIAL + 1, "maximum": INITIAL})

    def test_send_window(self) -> None:
        """
        A window that does not fit into 32 bits.
        """
        self.violates(SendWindowOverflow, window(SYN, 1), window(0, 1, LARGEST - INITIAL), window(0, 1, 1))

    def test_second_end(self) -> None:
        """
        A second end of one direction.
        """
        error = self.violates(UnexpectedOnStream, window(SYN, 1), window(FIN, 1), data(1, b"", FIN))
        self.assertEqual(error.facts, {"stream_id": 1, "state": "SYN_RECEIVED_CLOSED", "cause": "FIN"})
        self.violates(UnexpectedOnStream, data(1, b"a", SYN | FIN), data(1, b"b", FIN))

    def test_answers_not_read(self) -> None:
        """
        Pings or refused streams without end, while our answers wait.
        """
        self.violates(AnswersNotRead, ping(SYN, 1) * MAX_ANSWERS, ping(SYN, 1))
        session = server(accept_backlog=1)
        opened = [window(SYN, 1 + 2 * count) for count in range(MAX_ANSWERS + 2)]
        self.violates(AnswersNotRead, *opened, session=session)

    def test_lost_events(self) -> None:
        """
        Events from the bytes that broke the session are not told later.
        """
        session = server()
        self.assertRaises(UnknownVersion, session.receive, window(SYN, 1) + b"\1" * HEADER_SIZE)
        self.assertEqual(session.reset(1), [])


frames = st.builds(
    lambda frame_type, flags, stream_id, length, payload: (
        Frame(frame_type, flags, stream_id, len(payload) if frame_type is FrameType.DATA and length < 99 else length).encode()
        + payload * (frame_type is FrameType.DATA)
    ),
    st.sampled_from(
        [FrameType.DATA, FrameType.DATA, FrameType.WINDOW_UPDATE, FrameType.WINDOW_UPDATE, FrameType.PING, FrameType.GO_AWAY]
    ),
    st.one_of(st.sampled_from([0, 0, SYN, SYN, ACK, FIN, RST, SYN | FIN]), st.integers(0, 0x1F)),
    st.sampled_from([1, 1, 1, 2, 2, 3, 4, 5, 6, 7, 9, 0, 5001, LARGEST]),
    st.sampled_from([0, 0, 0, 0, 1, 2, 50, INITIAL, INITIAL + 1, LARGEST]),
    st.binary(max_size=6),
)
streams = st.lists(st.one_of(frames, frames, frames, frames, st.binary(max_size=14)), max_size=14).map(b"".join)

wishes: st.SearchStrategy[Callable[[Session], object]] = st.one_of(
    st.just(Session.open_stream),
    st.just(Session.ping),
    st.just(Session.bytes_to_send),
    st.sampled_from([0, 0, 0, 1]).map(lambda code: lambda session: session.go_away(code)),
    st.tuples(
        st.sampled_from([Session.accept, Session.close, Session.close, Session.reset, Session.window]), st.integers(1, 8)
    ).map(lambda wish: lambda session: wish[0](session, wish[1])),
    st.tuples(st.integers(1, 8), st.binary(max_size=9)).map(lambda wish: lambda session: session.send(*wish)),
    st.integers(1, 8).map(lambda stream_id: lambda session: session.consumed(stream_id, 0)),
)


def busy(client: bool) -> Session:
    """
    A session with streams of its own, of which some wait for their turn.
    """
    session = Session(client, accept_backlog=3)
    for _ in range(4):
        session.open_stream()
    session.ping()
    return session


def fed(session: Session, pieces: Iterable[bytes]) -> tuple[list[Event], str, bytes]:
    """
    :returns: the events, one for each byte of data, the error that ended it, if one did, and what is sent.
    """
    events: list[Event] = []
    why = ""
    try:
        for piece in pieces:
            for event in session.receive(piece):
                if isinstance(event, DataReceived):
                    events += [DataReceived(event.stream_id, bytes([byte])) for byte in event.data]
                else:
                    events.append(event)
    except ProtocolViolation as error:
        why = repr(error)
    return events, why, sent(session)


class AnyBytesTests(SynchronousTestCase):
    """
    Whatever comes, however it is cut.
    """

    @cuts.many
    @given(st.booleans(), streams.flatmap(lambda stream: st.tuples(st.just(stream), cuts.pieces(stream))))
    def test_cut_anywhere(self, client: bool, given: tuple[bytes, list[bytes]]) -> None:
        """
        The same bytes are the same events, the same error and the same answers, in pieces of any size.
        """
        stream, pieces = given
        single, why, answers = fed(busy(client), cuts.bytewise(stream))
        for cut in ([stream], pieces):
            told, broken, answered = fed(busy(client), cut)
            self.assertEqual((broken, answered), (why, answers))
            self.assertEqual(told, single[: len(told)] if why else single)

    @cuts.many
    @given(st.booleans(), st.lists(st.one_of(frames, st.binary(max_size=14), wishes), max_size=30))
    def test_any_order(self, client: bool, doings: list[bytes | Callable[[Session], object]]) -> None:
        """
        Whatever comes and whatever is wished for, nothing else is raised than yamux errors; what is sent is well-formed, and
        the counts are those of the streams.
        """
        session = busy(client)
        out = b""
        for doing in doings:
            try:
                if isinstance(doing, bytes):
                    session.receive(doing)
                else:
                    doing(session)
            except (ProtocolViolation, Refused) as error:
                self.assertIsInstance(error, YamuxError)
            states = [stream.state for stream in session._streams.values()]
            self.assertEqual(len(session._queue), states.count(State.QUEUED))
            if not session.ended:
                self.assertEqual(session._unanswered, sum(state in UNANSWERED for state in states))
                self.assertEqual(session._offered, sum(state in OFFERED for state in states))
                self.assertTrue(not session._queue or session._unanswered == 3)
            out += sent(session)
        *_, last = FrameDecoder().receive(out + ping(SYN, 4711))
        self.assertEqual(last, Frame(FrameType.PING, SYN, 0, 4711))
