"""
pkt-lines.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.git import pktline
from protocols.git.errors import InvalidPktLine, TruncatedPktLine
from protocols.git.pktline import DELIM, FLUSH, MAX_PAYLOAD, RESPONSE_END, Event, Packet, PktLineDecoder, Special

from . import cuts

events = st.lists(st.one_of(st.binary(max_size=40).map(Packet), st.sampled_from(Special)), max_size=12)


def encoded(expected: list[Event]) -> bytes:
    """
    Events as a stream.
    """
    return b"".join(event.value if isinstance(event, Special) else pktline.data(event.payload) for event in expected)


class EncodeTests(SynchronousTestCase):
    """
    Packets count their own length.
    """

    def test_data(self) -> None:
        """
        The length is four lower-case hexadecimal digits and counts itself.
        """
        self.assertEqual(pktline.data(b"a\n"), b"0006a\n")
        self.assertEqual(pktline.data(b""), b"0004")
        self.assertEqual(pktline.data(b"x" * 251)[:4], b"00ff")

    def test_longest(self) -> None:
        """
        The longest packet is ``fff0``; a longer payload is a mistake of the caller.
        """
        self.assertEqual(pktline.data(b"x" * MAX_PAYLOAD)[:4], b"fff0")
        self.assertRaises(ValueError, pktline.data, b"x" * (MAX_PAYLOAD + 1))

    def test_error(self) -> None:
        """
        An ``ERR`` packet takes any text, cut to fit.
        """
        self.assertEqual(pktline.error(b"not found"), b"0011ERR not found")
        self.assertEqual(len(pktline.error(b"x" * 70000)), 65520)


class PktLineDecoderTests(SynchronousTestCase):
    """
    :class:`PktLineDecoder` returns packets, however the bytes are cut.
    """

    @cuts.many
    @given(events.flatmap(lambda e: st.tuples(st.just(e), cuts.pieces(encoded(e)))))
    def test_cut_anywhere(self, given: tuple[list[Event], list[bytes]]) -> None:
        """
        The same bytes are the same packets, in pieces of any size.
        """
        expected, pieces = given
        self.assertEqual(cuts.outcome(PktLineDecoder(), pieces), (expected, ""))
        self.assertEqual(cuts.outcome(PktLineDecoder(), cuts.bytewise(b"".join(pieces))), (expected, ""))

    @cuts.many
    @given(cuts.junk.flatmap(lambda j: st.tuples(st.just(j), cuts.pieces(j))))
    def test_junk(self, given: tuple[bytes, list[bytes]]) -> None:
        """
        Junk ends in one of the protocol's errors, the same however it is cut.
        """
        cuts.survives(PktLineDecoder, *given)

    def test_bad_lengths(self) -> None:
        """
        Only four hexadecimal digits are a length, and neither 3 nor more than 65520 is one.
        """
        for prefix in (b"zzzz", b"0003", b"fff1", b"ffff", b"+123", b"0x12", b" 123", b"1_23", b"12 4", b"\0\0\0\0", b"-001"):
            decoder = PktLineDecoder()
            error = self.assertRaises(InvalidPktLine, decoder.receive, prefix + b"x" * 70000)
            self.assertEqual(error.prefix, prefix)

    def test_largest(self) -> None:
        """
        65520 bytes are a packet, and upper-case digits are digits.
        """
        (packet,) = PktLineDecoder().receive(b"FFF0" + b"x" * MAX_PAYLOAD)
        self.assertEqual(packet, Packet(b"x" * MAX_PAYLOAD))

    def test_error_is_final(self) -> None:
        """
        After an error the stream stays broken.
        """
        decoder = PktLineDecoder()
        self.assertRaises(InvalidPktLine, decoder.receive, b"zzzz")
        self.assertRaises(InvalidPktLine, decoder.receive, b"0000")

    def test_packets_before_error(self) -> None:
        """
        Read one by one, the packets before a broken place are all told.
        """
        decoder = PktLineDecoder()
        decoder.feed(b"0005azzzz")
        self.assertEqual(decoder.read(), Packet(b"a"))
        self.assertRaises(InvalidPktLine, decoder.read)

    def test_marks(self) -> None:
        """
        The three marks are told apart.
        """
        self.assertEqual(
            PktLineDecoder().receive(FLUSH + DELIM + RESPONSE_END), [Special.FLUSH, Special.DELIM, Special.RESPONSE_END]
        )

    def test_line(self) -> None:
        """
        A line has one newline taken off, if it has one.
        """
        self.assertEqual([Packet(b"a\n\n").line, Packet(b"a").line, Packet(b"\n").line], [b"a\n", b"a", b""])

    def test_until(self) -> None:
        """
        Decoding stops right behind the mark asked for, and goes on when asked again.
        """
        decoder = PktLineDecoder()
        self.assertEqual(decoder.receive(b"0005a00000005b0000PACK", until=Special.FLUSH), [Packet(b"a"), Special.FLUSH])
        self.assertEqual(decoder.pending, b"0005b0000PACK")
        self.assertEqual(decoder.receive(b"..", until=Special.FLUSH), [Packet(b"b"), Special.FLUSH])
        self.assertEqual(decoder.stop(), b"PACK..")

    def test_stop(self) -> None:
        """
        Once stopped, the decoder holds nothing and takes nothing.
        """
        decoder = PktLineDecoder()
        decoder.feed(b"0000rest")
        decoder.read()
        self.assertEqual(decoder.stop(), b"rest")
        self.assertEqual(decoder.pending, b"")
        self.assertRaises(RuntimeError, decoder.receive, b"0000")

    def test_finish(self) -> None:
        """
        A stream may end between packets, not within one.
        """
        decoder = PktLineDecoder()
        decoder.finish()
        decoder.receive(b"00000006a")
        error = self.assertRaises(TruncatedPktLine, decoder.finish)
        self.assertEqual(error.pending, 5)
        decoder.receive(b"b")
        decoder.finish()
