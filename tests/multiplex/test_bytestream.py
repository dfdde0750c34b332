"""
Tests for :mod:`gitaly_tx.multiplex.bytestream`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.multiplex.bytestream import ByteStream
from gitaly_tx.streams import PIECE, IByteSink, IByteSource, StreamBroken
from tests.support.multiplex import Pair

WINDOW = 256 * 1024


class ByteStreamTests(SynchronousTestCase):
    """
    ``ByteStream``, with a client at one end and one at the other.
    """

    def setUp(self) -> None:
        self.pair = Pair(accepts=self.accept, window=1 << 20)
        self.here = ByteStream(self.pair.client.open())
        self.pair.carry()

    def accept(self, stream) -> None:
        self.there = ByteStream(stream)
        stream.accept()

    def test_both_ways(self):
        """
        What is written comes out at the other end; a read may wait for it, and half-closing ends it.
        """
        for interface in (IByteSource, IByteSink):
            verifyObject(interface, self.here)
        reading = self.there.read()
        self.assertNoResult(reading)
        self.successResultOf(self.here.write(b"ping"))
        self.here.close()
        self.pair.carry()
        self.assertEqual(self.successResultOf(reading), b"ping")
        for _ in range(2):
            self.assertEqual(self.successResultOf(self.there.read()), b"")
        self.successResultOf(self.there.write(b"pong"))
        self.there.close()
        self.pair.carry()
        self.assertEqual(self.successResultOf(self.here.read()), b"pong")
        self.assertEqual(self.successResultOf(self.here.read()), b"")
        for stream in (self.here, self.there):
            self.successResultOf(stream.ended)
            self.assertNoResult(stream.lost)

    def test_back_pressure(self):
        """
        A write waits until the other end has read, and what several write stays in order.
        """
        first, second = self.here.write(b"a" * 3 * (1 << 20)), self.here.write(b"b" * 5)
        self.here.close()
        self.pair.carry()
        found = b""
        while not first.called:
            piece = self.successResultOf(self.there.read())
            self.assertLessEqual(len(piece), PIECE)
            found += piece
            self.pair.carry()
        self.assertGreater(len(found), 1 << 20)
        while piece := self.successResultOf(self.there.read()):
            found += piece
            self.pair.carry()
        self.assertEqual(found, b"a" * 3 * (1 << 20) + b"b" * 5)
        self.successResultOf(second)

    def test_large_pieces(self):
        """
        What comes in larger pieces than anybody should read is cut.
        """
        self.successResultOf(self.here.write(bytes(PIECE + 1)))
        self.pair.carry()
        self.assertEqual([len(self.successResultOf(self.there.read())) for _ in range(2)], [PIECE, 1])

    def test_broken_off(self):
        """
        When the peer breaks it off both directions end, what came can still be read, and that is told once.
        """
        self.successResultOf(self.there.write(b"last"))
        self.pair.carry()
        writing = self.here.write(bytes(4 << 20))
        reading = self.there.read()
        self.there.reset()
        self.there.reset()
        self.failureResultOf(reading, StreamBroken)
        self.pair.carry()
        self.failureResultOf(writing, StreamBroken)
        self.assertEqual(self.successResultOf(self.here.read()), b"last")
        self.failureResultOf(self.here.read(), StreamBroken)
        self.failureResultOf(self.here.write(b"x"), StreamBroken)
        self.successResultOf(self.here.lost)
        self.assertNoResult(self.there.lost)
        self.here.close()

    def test_connection_lost(self):
        """
        So it is when the connection is lost.
        """
        reading = self.here.read()
        self.pair.client.connection_lost()
        self.failureResultOf(reading, StreamBroken)
        self.successResultOf(self.here.lost)

    def test_closed(self):
        """
        After closing nothing can be written; a write that was under way is finished before.
        """
        writing = self.here.write(bytes(WINDOW * 5))
        self.here.close()
        self.here.close()
        self.failureResultOf(self.here.write(b"x"), StreamBroken)
        size = 0
        self.pair.carry()
        while piece := self.successResultOf(self.there.read()):
            size += len(piece)
            self.pair.carry()
        self.successResultOf(writing)
        self.assertEqual(size, WINDOW * 5)

    def test_cancelled_read(self):
        """
        A read that is cancelled loses nothing.
        """
        reading = self.there.read()
        reading.cancel()
        self.failureResultOf(reading)
        self.successResultOf(self.here.write(b"x"))
        self.pair.carry()
        self.assertEqual(self.successResultOf(self.there.read()), b"x")

    def test_cancelled_write(self):
        """
        A write that is cancelled breaks the stream off, since a part of it may be on its way.
        """
        first, second = self.here.write(bytes(WINDOW * 5)), self.here.write(b"x")
        first.cancel()
        self.failureResultOf(first)
        self.failureResultOf(second, StreamBroken)
        self.pair.carry()
        self.successResultOf(self.there.lost)

    def test_closed_by_the_session(self):
        """
        A stream that the session does not know any more is broken, also for whoever writes to it.
        """
        self.pair.client.end(self.here._stream.stream_id, reset=True)
        writing = self.here.write(b"x")
        self.assertNoResult(writing)
        self.here.writable()
        self.pair.client.connection_lost()
        self.here.reset()
        self.failureResultOf(writing, StreamBroken)
