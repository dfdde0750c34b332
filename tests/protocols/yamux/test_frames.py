"""
yamux frames.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.yamux.errors import UnknownFrameType, UnknownVersion
from protocols.yamux.frames import ACK, FIN, HEADER_SIZE, SYN, Frame, FrameDecoder, FrameType, Payload

from ..git import cuts

headers = st.builds(
    Frame, st.sampled_from(FrameType), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF)
)
messages = st.one_of(
    headers.filter(lambda frame: frame.frame_type is not FrameType.DATA).map(lambda frame: (frame, b"")),
    st.binary(max_size=40).map(lambda data: (Frame(FrameType.DATA, 0, 1, len(data)), data)),
)


def decoded(pieces: Iterable[bytes]) -> list[tuple[Frame, bytes]]:
    """
    What a decoder yields, with the pieces of each frame's data put together.
    """
    frames: list[tuple[Frame, bytes]] = []
    decoder = FrameDecoder()
    for piece in pieces:
        for item in decoder.receive(piece):
            if isinstance(item, Payload):
                assert item.data
                frame, data = frames.pop()
                frames.append((frame, data + item.data))
                assert item.ends == (len(frames[-1][1]) == frame.length)
            else:
                frames.append((item, b""))
    return frames


class FrameTests(SynchronousTestCase):
    """
    A header is twelve bytes.
    """

    def test_bytes(self) -> None:
        """
        The fields are big-endian: version, type, flags, stream, length.
        """
        frame = Frame(FrameType.WINDOW_UPDATE, SYN | FIN, 3, 0x01020304)
        self.assertEqual(frame.encode(), bytes.fromhex("00 01 0005 00000003 01020304"))
        self.assertEqual(Frame(FrameType.PING, ACK, 0, 7).encode(), bytes.fromhex("00 02 0002 00000000 00000007"))

    @cuts.few
    @given(headers)
    def test_round_trip(self, frame: Frame) -> None:
        """
        Every header comes back as it was, flags without a meaning included.
        """
        self.assertEqual(Frame.decode(frame.encode()), frame)
        self.assertEqual(len(frame.encode()), HEADER_SIZE)

    def test_other_version(self) -> None:
        """
        Only version 0 is known.
        """
        self.assertEqual(self.assertRaises(UnknownVersion, Frame.decode, b"PRI * HTTP/2").version, 0x50)

    def test_other_type(self) -> None:
        """
        There are four kinds of frames.
        """
        self.assertEqual(self.assertRaises(UnknownFrameType, Frame.decode, b"\0\4" + bytes(10)).frame_type, 4)


class FrameDecoderTests(SynchronousTestCase):
    """
    :class:`FrameDecoder` finds frames in a stream.
    """

    @cuts.many
    @given(
        st.lists(messages, max_size=6).flatmap(
            lambda frames: st.tuples(st.just(frames), cuts.pieces(b"".join(frame.encode() + data for frame, data in frames)))
        )
    )
    def test_cut_anywhere(self, given: tuple[list[tuple[Frame, bytes]], list[bytes]]) -> None:
        """
        The same bytes are the same frames, in pieces of any size.
        """
        frames, pieces = given
        self.assertEqual(decoded(pieces), frames)
        self.assertEqual(decoded(cuts.bytewise(b"".join(pieces))), frames)

    def test_data_are_not_held(self) -> None:
        """
        A frame's data are handed on as they come, and a piece that is nothing else is not copied.
        """
        decoder = FrameDecoder()
        (frame,) = decoder.receive(Frame(FrameType.DATA, 0, 1, 1 << 20).encode())
        self.assertEqual(frame, Frame(FrameType.DATA, 0, 1, 1 << 20))
        piece = bytes(1000)
        (payload,) = decoder.receive(piece)
        assert isinstance(payload, Payload)
        self.assertIs(payload.data, piece)
        self.assertFalse(payload.ends)

    def test_frames_before_an_error(self) -> None:
        """
        What is well-formed is yielded before the error.
        """
        ping = Frame(FrameType.PING, SYN, 0, 1)
        items = FrameDecoder().receive(ping.encode() + b"\1" * HEADER_SIZE)
        self.assertEqual(next(items), ping)
        self.assertRaises(UnknownVersion, next, items)
