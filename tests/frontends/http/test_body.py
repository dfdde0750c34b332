"""
Tests for request bodies.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from gitaly_tx.frontends.http.body import HIGH_WATER, Body, BodyCorrupt, BodyTooLarge, Inflated
from gitaly_tx.streams import PIECE, IByteSource, StreamBroken


class BodyTests(SynchronousTestCase):
    """
    A body hands over what came in, as fast as it is asked.
    """

    def setUp(self) -> None:
        self.told: list[str] = []
        self.body = Body(
            lambda: self.told.append("pause"), lambda: self.told.append("resume"), lambda: self.told.append("wanted")
        )

    def test_interface(self) -> None:
        """
        It is a byte source.
        """
        verifyObject(IByteSource, self.body)

    def test_wanted_once(self) -> None:
        """
        The first read, and no other, says that somebody wants the body.
        """
        self.body.data_received(b"x")
        self.assertEqual(self.told, [])
        self.assertFalse(self.body.asked)
        self.assertEqual(self.successResultOf(self.body.read()), b"x")
        waiting = self.body.read()
        self.assertEqual(self.told, ["wanted"])
        self.body.end_received()
        self.assertEqual(self.successResultOf(waiting), b"")

    def test_back_pressure(self) -> None:
        """
        With too much unread the client is paused, and it goes on when half of that was read.
        """
        self.body.data_received(b"x" * HIGH_WATER)
        self.assertEqual(self.told, ["pause"])
        self.assertTrue(self.body.held_back)
        self.assertEqual(len(self.successResultOf(self.body.read())), HIGH_WATER)
        self.assertEqual(self.told, ["pause", "wanted", "resume"])
        self.assertFalse(self.body.held_back)

    def test_end_is_repeated(self) -> None:
        """
        After the end every read is empty.
        """
        self.body.end_received()
        self.assertEqual(self.successResultOf(self.body.read()), b"")
        self.assertEqual(self.successResultOf(self.body.read()), b"")
        self.assertTrue(self.body.complete)

    def test_broken(self) -> None:
        """
        What came before the client went away can be read; then reading fails.
        """
        self.body.data_received(b"x")
        self.body.broken_off()
        self.assertEqual(self.successResultOf(self.body.read()), b"x")
        self.failureResultOf(self.body.read(), StreamBroken)

    def test_cancelled_read_loses_nothing(self) -> None:
        """
        A read that was cancelled takes no bytes.
        """
        reading = self.body.read()
        reading.addErrback(lambda _: None)
        reading.cancel()
        self.body.data_received(b"x")
        self.assertEqual(self.successResultOf(self.body.read()), b"x")

    def test_large_pieces_are_cut(self) -> None:
        """
        No piece is larger than a source may hand out.
        """
        self.body.data_received(b"x" * (PIECE + 1))
        self.body.end_received()
        self.assertEqual([len(self.successResultOf(self.body.read())) for _ in range(3)], [PIECE, 1, 0])


@implementer(IByteSource)
class Pieces:
    """
    A source with these pieces.
    """

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = list(pieces)

    def read(self) -> Deferred[bytes]:
        return succeed(self.pieces.pop(0) if self.pieces else b"")


class InflatedTests(SynchronousTestCase):
    """
    gzip'd bodies are decompressed piece by piece, within bounds.
    """

    def inflate(self, pieces: Sequence[bytes], limit: int = 1 << 30) -> Deferred[bytes]:
        async def whole() -> bytes:
            source = Inflated(Pieces(pieces), limit)
            found = b""
            while data := await source.read():
                self.assertLessEqual(len(data), PIECE)
                found += data
            return found

        return Deferred.fromCoroutine(whole())

    @settings(max_examples=50, deadline=None)
    @given(st.binary(max_size=5000), st.lists(st.integers(min_value=1, max_value=200), max_size=30))
    def test_any_cut(self, data: bytes, cuts: list[int]) -> None:
        """
        However the network cuts the body, what comes out is what went in.
        """
        packed = gzip.compress(data)
        pieces = []
        for cut in cuts:
            pieces.append(packed[:cut])
            packed = packed[cut:]
        pieces.append(packed)
        self.assertEqual(self.successResultOf(self.inflate([piece for piece in pieces if piece])), data)

    def test_empty(self) -> None:
        """
        No body at all is an empty one: git's probe may come that way.
        """
        self.assertEqual(self.successResultOf(self.inflate([])), b"")

    def test_bomb(self) -> None:
        """
        A body that becomes too large is refused while it grows.
        """
        bomb = gzip.compress(b"0" * (8 << 20))
        error = self.failureResultOf(self.inflate([bomb], 1 << 20), BodyTooLarge)
        self.assertEqual(error.value.facts, {"limit": 1 << 20})

    def test_corrupt(self) -> None:
        """
        What is no gzip, breaks off, or goes on behind its end is refused.
        """
        good = gzip.compress(b"data" * 100)
        for bad in (b"nonsense", good[:-10], good + b"more", good[:20] + b"\0\0\0" + good[23:]):
            self.failureResultOf(self.inflate([bad]), BodyCorrupt)
