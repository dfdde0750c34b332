"""
Fetches of v2 as their clients see them.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.git import pktline, sideband
from protocols.git.errors import GitProtocolError, InvalidPktLine, MissingBand, RemoteError, UnexpectedPacket, UnknownBand
from protocols.git.fetchanswer import (
    Acknowledged,
    AnswerEvent,
    FetchAnswerDecoder,
    PackData,
    PackEnd,
    RoundEnd,
    encode_round,
)
from protocols.git.pktline import DELIM, FLUSH

from . import cuts

ONE, TWO = b"1" * 40, b"2" * 40


def line(text: bytes) -> bytes:
    """
    A line in a packet.
    """
    return pktline.data(text + b"\n")


FIRST = line(b"acknowledgments") + line(b"NAK") + FLUSH
SECOND = line(b"acknowledgments") + line(b"ACK " + ONE) + line(b"ACK " + TWO) + FLUSH
LAST = (
    line(b"acknowledgments")
    + line(b"ACK " + ONE)
    + line(b"ready")
    + DELIM
    + line(b"shallow-info")
    + line(b"shallow " + ONE)
    + DELIM
    + line(b"packfile")
    + sideband.encode(sideband.BAND_PROGRESS, b"counting\n")[0]
    + sideband.encode(sideband.BAND_DATA, b"PACK")[0]
    + sideband.KEEPALIVE
    + sideband.encode(sideband.BAND_DATA, b"more")[0]
    + FLUSH
)


def read(pieces: list[bytes]) -> list[AnswerEvent]:
    """
    What a decoder tells of some pieces.
    """
    decoder = FetchAnswerDecoder()
    return [event for piece in pieces for event in decoder.receive(piece)]


class EncodeTests(SynchronousTestCase):
    """
    ``encode_round``.
    """

    def test_round(self) -> None:
        """
        The command, what the client can, what it wants and what it has.
        """
        self.assertEqual(
            encode_round([ONE], [TWO], b"sha1", done=False),
            line(b"command=fetch")
            + pktline.data(b"object-format=sha1")
            + DELIM
            + line(b"thin-pack")
            + line(b"ofs-delta")
            + line(b"no-progress")
            + line(b"want " + ONE)
            + line(b"have " + TWO)
            + FLUSH,
        )

    def test_done(self) -> None:
        """
        The last one says so.
        """
        self.assertTrue(encode_round([ONE], [], b"sha1", done=True).endswith(line(b"done") + FLUSH))


class DecodeTests(SynchronousTestCase):
    """
    ``FetchAnswerDecoder``.
    """

    @cuts.few
    @given(st.data())
    def test_answers(self, data: st.DataObject) -> None:
        """
        Answers are told one after the other, however they are cut. What is no pack is left out.
        """
        pieces = data.draw(cuts.pieces(FIRST + SECOND + LAST))
        self.assertEqual(
            read(pieces),
            [
                RoundEnd(),
                Acknowledged(ONE),
                Acknowledged(TWO),
                RoundEnd(),
                Acknowledged(ONE),
                PackData(b"PACK"),
                PackData(b"more"),
                PackEnd(),
            ],
        )

    def test_refused(self) -> None:
        """
        The server may refuse, before the pack and within it.
        """
        for stream in (
            line(b"ERR no"),
            line(b"acknowledgments") + line(b"ERR no"),
            line(b"packfile") + pktline.data(b"\x03no\n"),
        ):
            self.assertEqual(self.assertRaises(RemoteError, read, [stream]).text, b"no")

    def test_broken(self) -> None:
        """
        What is no answer is refused.
        """
        for stream, kind in (
            (b"PACK", InvalidPktLine),
            (FLUSH, UnexpectedPacket),
            (DELIM, UnexpectedPacket),
            (line(b"packfile") + DELIM, UnexpectedPacket),
            (line(b"packfile") + pktline.data(b""), MissingBand),
            (line(b"packfile") + pktline.data(b"\x04x"), UnknownBand),
            (line(b"acknowledgments") + line(b"what"), UnexpectedPacket),
            (line(b"acknowledgments") + pktline.RESPONSE_END, UnexpectedPacket),
        ):
            self.assertRaises(kind, read, [stream])

    @cuts.few
    @given(cuts.junk)
    def test_junk(self, stream: bytes) -> None:
        """
        Whatever comes, it is told or refused.
        """
        try:
            read([stream])
        except GitProtocolError:
            pass
