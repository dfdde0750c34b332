"""
Tests for :mod:`gitaly_tx.multiplex.connection`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from protocols.yamux.errors import Refused
from protocols.yamux.frames import Frame, FrameType
from tests.support.multiplex import Pair, RecordingSide

WINDOW = 256 * 1024


class StreamTests(SynchronousTestCase):
    """
    Streams.
    """

    def setUp(self) -> None:
        self.pair = Pair()

    def test_both_ways(self):
        """
        What is sent on a stream comes out of it at the other end.
        """
        stream, side = self.pair.open()
        self.assertEqual(stream.send(b"ping"), 4)
        self.pair.carry()
        self.assertEqual(self.pair.sides[0].events, [b"ping"])
        self.pair.accepted[0].send(b"pong")
        self.pair.carry()
        self.assertEqual(side.events, [b"pong"])

    def test_accepted(self):
        """
        Whoever opens a stream learns that it was accepted.
        """
        stream = self.pair.client.open()
        side = stream.side = RecordingSide()
        self.pair.carry()
        self.assertEqual(side.events, ["accepted"])

    def test_window(self):
        """
        No more is sent than is consumed at the other end, which is told when there is room again.
        """
        stream, side = self.pair.open()
        self.assertEqual(stream.send(bytes(WINDOW + 10)), WINDOW)
        self.assertEqual((stream.room, stream.send(b"x")), (0, 0))
        self.pair.carry()
        self.assertEqual(side.events, [])
        self.pair.accepted[0].consumed(WINDOW)
        self.pair.carry()
        self.assertEqual(side.events, ["writable"])
        self.assertEqual(stream.room, WINDOW)

    def test_unwanted(self):
        """
        What comes on a stream that nobody uses is let go of, so that the sender is not stopped.
        """
        stream, _ = self.pair.open()
        self.pair.accepted[0].side = None
        for _ in range(4):
            self.assertEqual(stream.send(bytes(WINDOW)), WINDOW)
            self.pair.carry()

    def test_close(self):
        """
        A stream that both sides close is no more; one side's closing is told.
        """
        stream, side = self.pair.open()
        stream.close()
        self.pair.carry()
        self.assertEqual(self.pair.sides[0].events, ["half closed"])
        self.assertRaises(Refused, stream.send, b"x")
        self.pair.accepted[0].close()
        self.assertEqual(self.pair.sides[0].events, ["half closed", "closed"])
        self.pair.carry()
        self.assertEqual(side.events, ["half closed", "closed"])
        self.assertEqual(stream.room, 0)
        stream.close()

    def test_reset(self):
        """
        A stream that one side breaks off is no more for the other; the one that does it is not told.
        """
        stream, side = self.pair.open()
        stream.reset()
        stream.reset()
        self.pair.carry()
        self.assertEqual((side.events, self.pair.sides[0].events), ([], ["broken"]))

    def test_refused(self):
        """
        A stream that the peer does not take is broken off.
        """
        pair = Pair(accepts=lambda stream: stream.reset())
        stream = pair.client.open()
        side = stream.side = RecordingSide()
        pair.carry()
        self.assertEqual(side.events, ["broken"])


class WireTests(SynchronousTestCase):
    """
    The wire.
    """

    def setUp(self) -> None:
        self.pair = Pair()

    def test_paused(self):
        """
        While the wire takes no more nothing is written and there is no room; then what waits goes, and whoever sends is told.
        """
        stream, side = self.pair.open()
        self.pair.client.pause()
        self.assertEqual((stream.room, stream.send(b"x")), (0, 0))
        self.pair.server.open()
        self.pair.carry()
        self.assertEqual(bytes(self.pair.wires[0].written), b"")
        self.pair.client.resume()
        self.assertEqual(side.events, ["writable"])
        self.assertEqual(stream.send(b"x"), 1)
        self.pair.carry()
        self.assertEqual(self.pair.sides[0].events, [b"x"])

    def test_paused_again(self):
        """
        Whoever is told that there is room may take all of it; the others are not told then.
        """
        first, one = self.pair.open()
        second, two = self.pair.open()
        self.assertNotEqual(first.stream_id, second.stream_id)
        self.pair.client.pause()
        one.writable = self.pair.client.pause  # type: ignore[method-assign]
        self.pair.client.resume()
        self.assertEqual(two.events, [])

    def test_flood_of_pings(self):
        """
        A peer that asks and does not read is told that it is over, and not answered without end.
        """
        self.pair.server.pause()
        ping = Frame(FrameType.PING, 1, 0, 7).encode()
        self.pair.server.data_received(ping * 5000)
        self.assertEqual(self.pair.wires[1].closed, "close")
        self.assertIn("too many unread answers", self.pair.server.problem)
        self.assertLess(len(self.pair.wires[1].written), 20_000)

    def test_garbage(self):
        """
        What is no yamux ends the connection and all its streams; the reason is kept, and the peer told.
        """
        _, side = self.pair.open()
        self.pair.client.data_received(b"GET / HTTP/1.1\r\n")
        self.assertEqual(side.events, ["broken"])
        self.assertIn("unknown yamux version", self.pair.client.problem)
        self.assertEqual((self.pair.wires[0].closed, self.pair.lost, self.pair.client.over), ("close", ["client"], True))
        self.assertEqual(bytes(self.pair.wires[0].written), Frame(FrameType.GO_AWAY, 0, 0, 1).encode())
        self.pair.client.data_received(b"more")

    def test_gone_away(self):
        """
        A peer that goes because of an error ends the connection; one that goes in peace lets streams finish.
        """
        _, side = self.pair.open()
        self.pair.client.data_received(Frame(FrameType.GO_AWAY, 0, 0, 0).encode())
        self.assertFalse(self.pair.client.over)
        self.assertRaises(Refused, self.pair.client.open)
        self.pair.client.data_received(Frame(FrameType.GO_AWAY, 0, 0, 2).encode())
        self.assertEqual((side.events, self.pair.client.problem), (["broken"], "peer went away: 2"))

    def test_ping(self):
        """
        A ping is answered.
        """
        self.pair.server.data_received(Frame(FrameType.PING, 1, 0, 9).encode())
        self.assertEqual(bytes(self.pair.wires[1].written), Frame(FrameType.PING, 2, 0, 9).encode())
        self.pair.carry()

    def test_ends(self):
        """
        A connection that is closed, aborted or lost is over once, with all its streams; nothing can be done with it any more.
        """
        for end, closed in (("close", "close"), ("abort", "abort"), ("connection_lost", "")):
            pair = Pair()
            stream, side = pair.open()
            for _ in range(2):
                getattr(pair.client, end)()
            self.assertEqual((side.events, pair.lost, pair.wires[0].closed), (["broken"], ["client"], closed))
            self.assertRaises(Refused, stream.send, b"x")
            stream.consumed(0)
            stream.close()
            stream.reset()
            self.assertEqual(stream.room, 0)

    def test_lost_by_the_way(self):
        """
        Somebody who is told of one thing may end the connection; what came behind is not told any more.
        """
        stream, _ = self.pair.open()
        self.pair.sides[0].data_received = lambda data: self.pair.server.abort()  # type: ignore[method-assign]
        stream.send(b"x")
        stream.close()
        self.pair.carry()
        self.assertEqual(self.pair.sides[0].events, ["broken"])
