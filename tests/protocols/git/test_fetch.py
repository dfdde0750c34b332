"""
The requests of upload-pack, and the counts kept of them.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.git import pktline
from protocols.git.capabilities import Capabilities
from protocols.git.errors import GitProtocolError, InvalidCapability, MalformedRequest, TruncatedPktLine, UnexpectedPacket
from protocols.git.fetch import (
    Argument,
    CommandBegun,
    CommandCapabilities,
    Deepen,
    DeepenNot,
    DeepenSince,
    Done,
    FetchEvent,
    FetchRequestDecoder,
    Filter,
    Have,
    NegotiationStatistics,
    RoundEnd,
    Shallow,
    Want,
)
from protocols.git.pktline import DELIM, FLUSH

from . import cuts

ONE = b"1" * 40
TWO = b"2" * 40
LONG = b"ab" * 32


def lines(*texts: bytes) -> bytes:
    """
    Packets, each with a newline; marks as they are.
    """
    return b"".join(text if text in (FLUSH, DELIM) else pktline.data(text + b"\n") for text in texts)


V0 = lines(
    b"want " + ONE + b" multi_ack_detailed side-band-64k agent=git/2.39.5",
    b"want " + TWO,
    b"shallow " + ONE,
    b"deepen 3",
    b"deepen-since 1700000000",
    b"deepen-not refs/heads/old",
    b"filter blob:none",
    FLUSH,
    b"have " + ONE,
    FLUSH,
    b"have " + TWO,
    b"done",
)

V2 = lines(
    b"command=ls-refs",
    b"agent=git/2.39.5",
    DELIM,
    b"peel",
    b"ref-prefix refs/heads/",
    FLUSH,
    b"command=fetch",
    b"agent=git/2.39.5",
    b"object-format=sha1",
    DELIM,
    b"thin-pack",
    b"want " + ONE,
    b"want " + TWO,
    b"have " + ONE,
    b"done",
    FLUSH,
)


def decoded(stream: bytes, version: int = 0) -> list[FetchEvent]:
    """
    The events of a stream.
    """
    return FetchRequestDecoder(version).receive(stream)


class FetchRequestDecoderTests(SynchronousTestCase):
    """
    :class:`FetchRequestDecoder` tells what a client wants.
    """

    def test_v0(self) -> None:
        """
        v0 and v1 are wants, depths, a filter, a flush and rounds of haves.
        """
        for version in (0, 1):
            self.assertEqual(
                decoded(V0, version),
                [
                    Want(ONE, Capabilities.parse(b"multi_ack_detailed side-band-64k agent=git/2.39.5")),
                    Want(TWO),
                    Shallow(ONE),
                    Deepen(3),
                    DeepenSince(1700000000),
                    DeepenNot(b"refs/heads/old"),
                    Filter(b"blob:none"),
                    RoundEnd(),
                    Have(ONE),
                    RoundEnd(),
                    Have(TWO),
                    Done(),
                ],
            )

    def test_v2(self) -> None:
        """
        v2 is commands, each with capabilities and arguments.
        """
        self.assertEqual(
            decoded(V2, 2),
            [
                CommandBegun(b"ls-refs"),
                CommandCapabilities(Capabilities.parse(b"agent=git/2.39.5")),
                Argument(b"peel"),
                Argument(b"ref-prefix refs/heads/"),
                RoundEnd(),
                CommandBegun(b"fetch"),
                CommandCapabilities(Capabilities.parse(b"agent=git/2.39.5 object-format=sha1")),
                Argument(b"thin-pack"),
                Want(ONE),
                Want(TWO),
                Have(ONE),
                Done(),
                RoundEnd(),
            ],
        )

    def test_v2_without_arguments(self) -> None:
        """
        A command may have no arguments and no capabilities; a flush alone says goodbye.
        """
        self.assertEqual(
            decoded(lines(b"command=object-info", FLUSH, FLUSH), 2),
            [CommandBegun(b"object-info"), CommandCapabilities(Capabilities()), RoundEnd(), RoundEnd()],
        )

    def test_sha256(self) -> None:
        """
        Ids may be those of either format, and are told in lower case.
        """
        self.assertEqual(decoded(lines(b"want " + LONG.upper())), [Want(LONG)])

    def test_malformed(self) -> None:
        """
        Lines that are none are refused.
        """
        cases: list[tuple[bytes, int, type[GitProtocolError]]] = [
            (lines(b""), 0, MalformedRequest),
            (lines(b"wants " + ONE), 0, MalformedRequest),
            (lines(b"want"), 0, MalformedRequest),
            (lines(b"want " + ONE[1:]), 0, MalformedRequest),
            (lines(b"want " + b"g" * 40), 0, MalformedRequest),
            (lines(b"have " + ONE + b" x"), 0, MalformedRequest),
            (lines(b"shallow x"), 0, MalformedRequest),
            (lines(b"deepen -1"), 0, MalformedRequest),
            (lines(b"deepen " + b"9" * 5000), 0, MalformedRequest),
            (lines(b"deepen-since yesterday"), 0, MalformedRequest),
            (lines(b"want " + ONE + b" quiet", b"want " + TWO + b" quiet"), 0, MalformedRequest),
            (lines(b"want " + ONE + b" a\x01"), 0, InvalidCapability),
            (DELIM, 0, UnexpectedPacket),
            (b"0002", 0, UnexpectedPacket),
            (lines(b"fetch"), 2, MalformedRequest),
            (lines(b"command="), 2, MalformedRequest),
            (lines(b"command=fetch", DELIM, DELIM), 2, UnexpectedPacket),
            (lines(b"command=fetch") + b"0002", 2, UnexpectedPacket),
            (lines(b"command=fetch", DELIM, b"want " + ONE + b" quiet"), 2, MalformedRequest),
        ]
        for stream, version, kind in cases:
            self.assertRaises(kind, decoded, stream, version)

    @cuts.few
    @given(st.sampled_from([(V0, 0), (V0, 1), (V2, 2)]).flatmap(lambda v: st.tuples(st.just(v), cuts.pieces(v[0]))))
    def test_cut_anywhere(self, given: tuple[tuple[bytes, int], list[bytes]]) -> None:
        """
        The same bytes are the same events, in pieces of any size.
        """
        (stream, version), pieces = given
        expected = (decoded(stream, version), "")
        self.assertEqual(cuts.outcome(FetchRequestDecoder(version), pieces), expected)
        self.assertEqual(cuts.outcome(FetchRequestDecoder(version), cuts.bytewise(stream)), expected)

    @cuts.many
    @given(st.sampled_from([0, 2]), cuts.junk.flatmap(lambda j: st.tuples(st.just(j), cuts.pieces(j))))
    def test_junk(self, version: int, given: tuple[bytes, list[bytes]]) -> None:
        """
        Junk ends in one of the protocol's errors, the same however it is cut.
        """
        cuts.survives(lambda: FetchRequestDecoder(version), *given)

    def test_finish(self) -> None:
        """
        A client may leave between packets, not within one.
        """
        decoder = FetchRequestDecoder()
        decoder.receive(lines(b"done") + b"00")
        self.assertRaises(TruncatedPktLine, decoder.finish)


def counted(stream: bytes) -> dict[str, object]:
    """
    All that is counted of a stream.
    """
    statistics = NegotiationStatistics()
    statistics.receive(stream)
    return values(statistics)


def values(statistics: NegotiationStatistics) -> dict[str, object]:
    """
    What can be seen of the counts.
    """
    public = {name: value for name, value in vars(statistics).items() if not name.startswith("_")}
    return {**public, "saw_deepen": statistics.saw_deepen}


class NegotiationStatisticsTests(SynchronousTestCase):
    """
    :class:`NegotiationStatistics` counts what passes, and never minds.
    """

    def test_v0(self) -> None:
        """
        Everything up to ``done`` is counted: marks as packets, and the payload of ``done`` as payload.
        """
        texts = [b"want " + ONE + b" a b=c", b"want " + TWO, b"shallow " + ONE, b"deepen 3", b"filter tree:0", FLUSH]
        stream = lines(*texts, b"have " + ONE, b"done", b"have " + TWO)
        self.assertEqual(
            counted(stream),
            {
                "payload_size": sum(len(text) for text in texts[:-1]) + 45 + 4,
                "packets": 7,
                "caps": [b"a", b"b=c"],
                "wants": 2,
                "haves": 1,
                "shallows": 1,
                "deepen": b"deepen 3",
                "filter": b"tree:0",
                "reached_flush": True,
                "reached_done": True,
                "broken": False,
                "saw_deepen": True,
            },
        )

    def test_v2(self) -> None:
        """
        Commands of v2 are packets like others, and so is their delimiter.
        """
        found = counted(V2)
        self.assertEqual([found[name] for name in ("packets", "wants", "haves", "caps")], [14, 2, 1, []])

    def test_kinds_of_depth(self) -> None:
        """
        Each way to cut history counts, and the last one is kept.
        """
        for line in (b"deepen 1", b"deepen-since 5", b"deepen-not refs/heads/a"):
            found = counted(lines(b"deepen 9", line))
            self.assertEqual((found["deepen"], found["saw_deepen"]), (line, True))
        self.assertEqual(counted(lines(b"deepen-relative"))["saw_deepen"], False)

    def test_nothing(self) -> None:
        """
        A flush alone is one packet, without ``done``.
        """
        found = counted(FLUSH)
        self.assertEqual((found["packets"], found["reached_flush"], found["reached_done"]), (1, True, False))

    def test_broken(self) -> None:
        """
        What came before broken bytes stays counted; what comes after is not looked at.
        """
        statistics = NegotiationStatistics()
        statistics.receive(lines(b"want " + ONE) + b"junk")
        statistics.receive(lines(b"want " + ONE))
        self.assertEqual((statistics.wants, statistics.broken, statistics.reached_done), (1, True, False))

    def test_after_done(self) -> None:
        """
        After ``done`` nothing is kept or counted.
        """
        statistics = NegotiationStatistics()
        statistics.receive(lines(b"done") + b"00")
        statistics.receive(lines(b"have " + ONE))
        self.assertEqual((statistics.haves, statistics.payload_size, statistics.packets), (0, 4, 0))

    @cuts.many
    @given(st.one_of(cuts.junk, st.sampled_from([V0, V2])).flatmap(lambda j: st.tuples(st.just(j), cuts.pieces(j))))
    def test_cut_anywhere(self, given: tuple[bytes, list[bytes]]) -> None:
        """
        Whatever comes is counted without an error, the same in pieces of any size.
        """
        stream, pieces = given
        statistics = NegotiationStatistics()
        for piece in pieces:
            statistics.receive(piece)
        self.assertEqual(values(statistics), counted(stream))
