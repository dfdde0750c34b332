"""
Tests for :mod:`gitaly_tx.frontends.grpc.sidechannels`, with a caller who speaks for itself.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import GitalyError
from gitaly_tx.frontends.grpc.origins import Origin, Origins
from gitaly_tx.frontends.grpc.sidechannels import CLOSE_SECONDS, Sidechannel, Sidechannels
from gitaly_tx.multiplex.connection import Stream
from gitaly_tx.rpc.interfaces import ISidechannel, ISidechannels
from gitaly_tx.streams import PIECE, IByteSink, IByteSource, StreamBroken
from protocols.channels.sidechannel import HANDSHAKE_SECONDS, METADATA_KEY, announcement
from tests.support.calls import make_call
from tests.support.multiplex import Pair, RecordingSide


class KnownOrigins(Origins):
    """
    Knows one connection.
    """

    def __init__(self, connection: Any) -> None:
        super().__init__()
        self._known["here"] = Origin("192.0.2.1:7", connection)


class SidechannelTests(SynchronousTestCase):
    """
    ``Sidechannels`` and ``Sidechannel``.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.pair = Pair()
        self.sidechannels = Sidechannels(self.clock, KnownOrigins(self.pair.server))
        self.side = RecordingSide()
        self.pair.client._opened = self.offered

    def offered(self, stream: Stream) -> None:
        """
        The server opens a stream.
        """
        stream.side = self.side
        self.pair.offered.append(stream)

    def begin(self, number: str = "7") -> Deferred[Sidechannel]:
        """
        Open a sidechannel; the caller has its stream then, and has not answered.
        """
        self.call = make_call("SSHService/SSHUploadPackWithSidechannel", metadata={METADATA_KEY: ("1", number)}, origin="here")
        opening = Deferred.fromCoroutine(self.sidechannels.open(self.call))
        self.pair.carry()
        self.stream = self.pair.offered[-1]
        self.stream.accept()
        return opening

    def opened(self) -> Sidechannel:
        """
        One that is open.
        """
        opening = self.begin()
        self.stream.send(b"ok")
        self.pair.carry()
        return self.successResultOf(opening)

    def refusal(self, opening: Deferred[Sidechannel]) -> str:
        """
        Why it could not be opened.
        """
        error = self.failureResultOf(opening, GitalyError).value
        self.assertIsNone(error.given_code)
        return str(error.message)

    def test_announced(self):
        """
        The last number that the call names is announced, as 64 bits with a sign.
        """
        seen = []
        for number in ("7", "-2", "nonsense", "99999999999999999999"):
            self.side.events.clear()
            opening = self.begin(number)
            seen.append(b"".join(event for event in self.side.events if isinstance(event, bytes)))
            self.stream.reset()
            self.pair.carry()
            self.failureResultOf(opening)
        self.assertEqual(seen, [announcement(number) for number in (7, -2, 0, (1 << 63) - 1)])

    def test_provided(self):
        """
        The interfaces are provided.
        """
        channel = self.opened()
        verifyObject(ISidechannels, self.sidechannels)
        verifyObject(ISidechannel, channel)
        verifyObject(IByteSource, channel.source)
        verifyObject(IByteSink, channel.sink)

    def test_too_late(self):
        """
        A caller has five seconds to answer; then the stream is broken off.
        """
        opening = self.begin()
        self.stream.send(b"o")
        self.pair.carry()
        self.clock.advance(HANDSHAKE_SECONDS)
        self.assertEqual(self.refusal(opening), "sidechannel: receive confirmation: i/o deadline reached")
        self.pair.carry()
        self.assertEqual(self.side.events[-1], "broken")

    def test_answers(self):
        """
        Whatever else a caller answers is refused.
        """
        for said, text in (
            (b"no", 'sidechannel: expected ok, got "no"'),
            (b"o\n", 'sidechannel: expected ok, got "o\\n"'),
        ):
            opening = self.begin()
            self.stream.send(said)
            self.pair.carry()
            self.assertEqual(self.refusal(opening), text)
        for said, ends, text in (
            (b"", "close", "EOF"),
            (b"o", "close", "unexpected EOF"),
            (b"", "reset", "connection reset"),
        ):
            opening = self.begin()
            self.stream.send(said)
            getattr(self.stream, ends)()
            self.pair.carry()
            self.assertEqual(self.refusal(opening), f"sidechannel: receive confirmation: {text}")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancelled(self):
        """
        A call that is cancelled meanwhile breaks it off.
        """
        opening = self.begin()
        opening.cancel()
        self.failureResultOf(opening)
        self.pair.carry()
        self.assertEqual((self.side.events[-1], self.clock.getDelayedCalls()), ("broken", []))

    def test_connection_gone(self):
        """
        On a connection that is no more no stream can be opened.
        """
        self.pair.server.connection_lost()
        call = make_call("SSHService/SSHUploadPackWithSidechannel", metadata={METADATA_KEY: ("1",)}, origin="here")
        text = self.refusal(Deferred.fromCoroutine(self.sidechannels.open(call)))
        self.assertEqual(text, "sidechannel: open stream: session shutdown")

    def test_read(self):
        """
        Packets are joined, empty ones are nothing, no piece is too large, and after the end nothing counts.
        """
        channel = self.opened()
        self.stream.send(b"0005a0004" + b"0006bc" + b"0000nonsense")
        self.pair.carry()
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(channel.read())), b"abc")
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(channel.read())), b"")
        self.assertEqual(self.call.received, 3)

    def test_large(self):
        """
        What was completed by a piece is cut if it is too much for one.
        """
        channel = self.opened()
        rest = memoryview((b"fff0" + bytes(65516)) * 8)
        # The first packet lacks its last byte when it comes; what completes it is as much as the window holds.
        limit = 65519
        sizes: list[int] = []
        while rest or sum(sizes) < 8 * 65516:
            rest = rest[self.stream.send(rest[:limit]) :]
            self.pair.carry()
            reading = Deferred.fromCoroutine(channel.read())
            if reading.called:
                sizes.append(len(self.successResultOf(reading)))
            else:
                reading.cancel()
                self.failureResultOf(reading)
            limit = PIECE
        self.assertLessEqual(max(sizes), PIECE)

    def test_broken(self):
        """
        What is not in packets, or ends without its end, is broken.
        """
        for said, ends in ((b"0002", False), (b"zzzz", False), (b"0005a", True)):
            channel = self.opened()
            self.stream.send(said)
            if ends:
                self.stream.close()
            self.pair.carry()
            if ends:
                self.successResultOf(Deferred.fromCoroutine(channel.read()))
            self.failureResultOf(Deferred.fromCoroutine(channel.read()), StreamBroken)

    def test_closed(self):
        """
        A caller that leaves its side open for minutes loses it; one that closes it in time does not.
        """
        channel = self.opened()
        channel.close()
        self.pair.carry()
        self.assertEqual(self.side.events[-1], "half closed")
        self.clock.advance(CLOSE_SECONDS)
        self.pair.carry()
        self.assertEqual(self.side.events[-1], "broken")
        channel = self.opened()
        channel.close()
        self.stream.close()
        self.pair.carry()
        self.assertEqual((self.side.events[-1], self.clock.getDelayedCalls()), ("closed", []))
        channel.close()
