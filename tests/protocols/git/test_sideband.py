"""
Sidebands.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.git import sideband
from protocols.git.errors import MissingBand, TruncatedPktLine, UnknownBand
from protocols.git.pktline import Special
from protocols.git.sideband import BAND_DATA, BAND_ERROR, BAND_PROGRESS, BandData, SidebandDecoder

from . import cuts

messages = st.lists(st.tuples(st.sampled_from([BAND_DATA, BAND_PROGRESS, BAND_ERROR]), st.binary(max_size=50)), max_size=8)


class EncodeTests(SynchronousTestCase):
    """
    Data is cut into packets of one band.
    """

    def test_packets(self) -> None:
        """
        A packet's first byte is its band.
        """
        self.assertEqual(sideband.encode(BAND_PROGRESS, b"hi\n"), [b"0008\x02hi\n"])
        self.assertEqual(sideband.encode(BAND_DATA, b""), [])

    def test_sizes(self) -> None:
        """
        A packet carries at most 65515 bytes with ``side-band-64k``, 995 with ``side-band``.
        """
        for maximum, room in ((sideband.LARGE, 65515), (sideband.SMALL, 995)):
            exact = sideband.encode(BAND_DATA, b"x" * room, maximum)
            self.assertEqual([len(packet) for packet in exact], [maximum])
            more = sideband.encode(BAND_DATA, b"x" * (2 * room + 1), maximum)
            self.assertEqual([len(packet) for packet in more], [maximum, maximum, 6])
            self.assertEqual(more[0][:5], b"%04x\x01" % maximum)

    def test_in_one(self) -> None:
        """
        The packets can be had in one piece.
        """
        for size in (0, 1, 65515, 65516, 300_000):
            data = b"x" * size
            self.assertEqual(sideband.encoded(BAND_PROGRESS, data), b"".join(sideband.encode(BAND_PROGRESS, data)))

    @cuts.few
    @given(messages, st.sampled_from([sideband.LARGE, sideband.SMALL, 6, 9]))
    def test_round_trip(self, told: list[tuple[int, bytes]], maximum: int) -> None:
        """
        Each band's bytes come out as they went in.
        """
        stream = b"".join(packet for band, data in told for packet in sideband.encode(band, data, maximum))
        events = SidebandDecoder().receive(stream)
        for wanted in (BAND_DATA, BAND_PROGRESS, BAND_ERROR):
            came = b"".join(event.data for event in events if isinstance(event, BandData) and event.band == wanted)
            self.assertEqual(came, b"".join(data for band, data in told if band == wanted))


class SidebandDecoderTests(SynchronousTestCase):
    """
    :class:`SidebandDecoder` tells what each band carries.
    """

    @cuts.few
    @given(
        messages.map(lambda told: b"".join(p for band, data in told for p in sideband.encode(band, data, 20)) + b"0000").flatmap(
            lambda stream: st.tuples(st.just(stream), cuts.pieces(stream))
        )
    )
    def test_cut_anywhere(self, given: tuple[bytes, list[bytes]]) -> None:
        """
        The same bytes are the same events, in pieces of any size.
        """
        stream, pieces = given
        whole = cuts.outcome(SidebandDecoder(), [stream])
        self.assertEqual(whole[0][-1], Special.FLUSH)
        self.assertEqual(cuts.outcome(SidebandDecoder(), pieces), whole)
        self.assertEqual(cuts.outcome(SidebandDecoder(), cuts.bytewise(stream)), whole)

    @cuts.few
    @given(cuts.junk.flatmap(lambda j: st.tuples(st.just(j), cuts.pieces(j))))
    def test_junk(self, given: tuple[bytes, list[bytes]]) -> None:
        """
        Junk ends in one of the protocol's errors, the same however it is cut.
        """
        cuts.survives(SidebandDecoder, *given)

    def test_keepalive(self) -> None:
        """
        A keepalive is data of no length.
        """
        self.assertEqual(SidebandDecoder().receive(sideband.KEEPALIVE), [BandData(BAND_DATA, b"")])

    def test_no_band(self) -> None:
        """
        A packet that does not say its band is refused.
        """
        self.assertRaises(MissingBand, SidebandDecoder().receive, b"0004")

    def test_unknown_bands(self) -> None:
        """
        Bands are 1, 2 and 3.
        """
        for band in (0, 4, 255):
            error = self.assertRaises(UnknownBand, SidebandDecoder().receive, b"0005" + bytes([band]))
            self.assertEqual(error.band, band)

    def test_finish(self) -> None:
        """
        The stream may not end within a packet.
        """
        decoder = SidebandDecoder()
        decoder.receive(b"0009\x01ab")
        self.assertRaises(TruncatedPktLine, decoder.finish)
