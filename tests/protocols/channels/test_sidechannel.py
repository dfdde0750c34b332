"""
Sidechannels.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.channels import sidechannel
from protocols.channels.errors import (
    ConfirmationMissing,
    InputBrokenOff,
    InvalidHeader,
    MissingSidechannelID,
    NotASidechannel,
    SidechannelError,
    UnexpectedConfirmation,
)
from protocols.channels.sidechannel import (
    CONFIRMATION,
    INPUT_END,
    Announced,
    ClientSide,
    Confirmed,
    InputEnded,
    InputReceived,
    OutputReceived,
    ServerSide,
)

from ..git import cuts


def outcome(machine: Any, pieces: list[bytes]) -> tuple[list[Any], str]:
    """
    Feed a side until it breaks or the stream ends.

    :returns: the events, adjacent output put together, and the error that ended it.
    """
    events: list[Any] = []
    try:
        for piece in pieces:
            for event in machine.receive(piece):
                if isinstance(event, OutputReceived) and events and isinstance(events[-1], OutputReceived):
                    event = OutputReceived(events.pop().data + event.data)
                events.append(event)
        machine.finish()
    except SidechannelError as error:
        return events, f"{error!r} {error}"
    return events, ""


class NamedTests(SynchronousTestCase):
    """
    :func:`sidechannel.named` reads the call's metadata.
    """

    def test_values(self) -> None:
        """
        The last value counts, and what is no number is 0.
        """
        for values, number in (
            (["5"], 5),
            (["5", "0012"], 12),
            (["+7"], 7),
            (["-3"], -3),
            (["x"], 0),
            ([""], 0),
            (["1 "], 0),
            (["1_0"], 0),
            (["٣"], 0),
            (["0x1"], 0),
        ):
            self.assertEqual(sidechannel.named(values), number)

    def test_too_large(self) -> None:
        """
        A number that does not fit is the nearest that does, however long it is.
        """
        for digits in ("9223372036854775808", "9" * 100_000):
            self.assertEqual(sidechannel.named([digits]), (1 << 63) - 1)
            self.assertEqual(sidechannel.named(["-" + digits]), -(1 << 63))
        self.assertEqual(sidechannel.named(["-9223372036854775808"]), -(1 << 63))
        self.assertEqual(sidechannel.named(["0" * 100 + "4"]), 4)

    def test_missing(self) -> None:
        """
        A call that names no sidechannel has none.
        """
        self.assertRaises(MissingSidechannelID, sidechannel.named, [])


class EncodeTests(SynchronousTestCase):
    """
    What both sides send.
    """

    def test_announcement(self) -> None:
        """
        The word, and a signed big-endian number of 64 bits.
        """
        self.assertEqual(sidechannel.announcement(258), b"sidechannel\0\0\0\0\0\0\1\2")
        self.assertEqual(sidechannel.announcement(-1), b"sidechannel" + b"\xff" * 8)

    def test_packets(self) -> None:
        """
        A packet's length counts itself, and a packet carries at most 65516 bytes.
        """
        self.assertEqual(b"".join(sidechannel.packets(b"hello")) + INPUT_END, b"0009hello0000")
        self.assertEqual(sidechannel.packets(b""), [])
        sizes = [len(piece) for piece in sidechannel.packets(bytes(2 * 65516 + 1))]
        self.assertEqual(sizes, [4, 65516, 4, 65516, 4, 1])
        self.assertEqual(sidechannel.packets(bytes(65516))[0], b"fff0")


class ServerSideTests(SynchronousTestCase):
    """
    :class:`ServerSide` reads what the client sends.
    """

    def test_conversation(self) -> None:
        """
        The confirmation, the packets that are not empty, the end; what follows is ignored.
        """
        side = ServerSide()
        events = side.receive(b"ok0009hello00040008this0000trash")
        self.assertEqual(events, [Confirmed(), InputReceived(b"hello"), InputReceived(b"this"), InputEnded()])
        self.assertTrue(side.done)
        self.assertEqual(side.receive(b"more trash"), [])
        side.finish()

    def test_largest_packet(self) -> None:
        """
        The longest packet is fff0.
        """
        side = ServerSide()
        side.receive(b"ok")
        self.assertEqual(side.receive(b"fff0" + b"x" * 65516), [InputReceived(b"x" * 65516)])
        self.assertRaises(InvalidHeader, side.receive, b"fff1")

    def test_invalid_headers(self) -> None:
        """
        Lengths that no packet has are refused, for good.
        """
        for header, shown in ((b"0001", "1"), (b"0002", "2"), (b"0003", "3"), (b"zzzz", '"zzzz"'), (b"+123", '"+123"')):
            side = ServerSide()
            side.receive(b"ok0004")
            for more in (header, b"0000"):
                error = self.assertRaises(InvalidHeader, side.receive, more)
                self.assertEqual(str(error), f"sidechannel: invalid header {shown}")

    def test_wrong_confirmation(self) -> None:
        """
        Two other bytes than ``ok`` are refused, for good.
        """
        side = ServerSide()
        self.assertEqual(side.receive(b"o"), [])
        for more in (b"h", b"ok"):
            self.assertEqual(self.assertRaises(UnexpectedConfirmation, side.receive, more).got, b"oh")

    def test_early_end(self) -> None:
        """
        A client that goes before it confirmed, or before it sent everything, is an error.
        """
        for sent, kind, text in (
            (b"", ConfirmationMissing, "sidechannel: receive confirmation: EOF"),
            (b"o", ConfirmationMissing, "sidechannel: receive confirmation: unexpected EOF"),
            (b"ok", InputBrokenOff, "unexpected EOF"),
            (b"ok0009hello", InputBrokenOff, "unexpected EOF"),
            (b"ok0009he", InputBrokenOff, "unexpected EOF"),
        ):
            side = ServerSide()
            side.receive(sent)
            self.assertEqual(str(self.assertRaises(kind, side.finish)), text)

    @cuts.few
    @given(
        st.lists(st.binary(max_size=30), max_size=5).flatmap(
            lambda data: st.tuples(
                st.just(data),
                cuts.pieces(CONFIRMATION + b"".join(p for d in data for p in sidechannel.packets(d)) + INPUT_END + b"x"),
            )
        )
    )
    def test_cut_anywhere(self, given: tuple[list[bytes], list[bytes]]) -> None:
        """
        What the client sends comes out as it went in, in pieces of any size.
        """
        data, pieces = given
        expected = [Confirmed(), *(InputReceived(piece) for piece in data if piece), InputEnded()]
        self.assertEqual(outcome(ServerSide(), pieces), (expected, ""))
        self.assertEqual(outcome(ServerSide(), cuts.bytewise(b"".join(pieces))), (expected, ""))

    @cuts.few
    @given(
        st.tuples(st.sampled_from([b"ok", b"", b"no"]), cuts.junk)
        .map(b"".join)
        .flatmap(lambda junk: st.tuples(st.just(junk), cuts.pieces(junk)))
    )
    def test_junk(self, given: tuple[bytes, list[bytes]]) -> None:
        """
        Junk ends in the same error however it is cut, and in none but a sidechannel's.
        """
        junk, pieces = given
        single, why = outcome(ServerSide(), cuts.bytewise(junk))
        for cut in ([junk], pieces):
            told, broken = outcome(ServerSide(), cut)
            self.assertEqual(broken, why)
            self.assertEqual(told, single[: len(told)])


class ClientSideTests(SynchronousTestCase):
    """
    :class:`ClientSide` reads what the server sends.
    """

    @cuts.few
    @given(
        st.tuples(st.integers(-(1 << 63), (1 << 63) - 1), st.binary(max_size=30)).flatmap(
            lambda told: st.tuples(st.just(told), cuts.pieces(sidechannel.announcement(told[0]) + told[1]))
        )
    )
    def test_cut_anywhere(self, given: tuple[tuple[int, bytes], list[bytes]]) -> None:
        """
        The announcement's number and the bytes after it come out as they went in.
        """
        (number, data), pieces = given
        expected = [Announced(number), *([OutputReceived(data)] if data else [])]
        self.assertEqual(outcome(ClientSide(), pieces), (expected, ""))
        self.assertEqual(outcome(ClientSide(), cuts.bytewise(b"".join(pieces))), (expected, ""))

    def test_something_else(self) -> None:
        """
        A stream that begins otherwise is refused, for good and the same way however it is cut.
        """
        http2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        for pieces in ([http2], cuts.bytewise(http2)):
            side = ClientSide()
            events, why = outcome(side, pieces)
            self.assertEqual(events, [])
            self.assertTrue(why.startswith(repr(NotASidechannel(http2[:11]))))
            self.assertEqual(self.assertRaises(NotASidechannel, side.receive, b"sidechannel").start, http2[:11])

    def test_early_end(self) -> None:
        """
        A stream that ends before anything is announced is none.
        """
        side = ClientSide()
        side.receive(b"sidechannel\0\0\0")
        self.assertEqual(self.assertRaises(NotASidechannel, side.finish).start, b"sidechannel\0\0\0")
