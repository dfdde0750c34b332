"""
Tests for :mod:`gitaly_tx.multiplex.bridged`, and :mod:`gitaly_tx.frontends.grpc.secure` where it is joined.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.frontends.grpc.origins import Full, Origins
from gitaly_tx.frontends.grpc.secure import PlainCalls, SecureClient
from gitaly_tx.multiplex.bridged import Bridged
from gitaly_tx.multiplex.connection import Stream
from tests.support.loop import CrankedLoop, connected
from tests.support.multiplex import Pair

WINDOW = 256 * 1024


class BridgedTests(SynchronousTestCase):
    """
    ``Bridged``.
    """

    def setUp(self) -> None:
        self.loop = CrankedLoop()
        self.pair = Pair(accepts=self.accept)
        self.stream, self.side = self.pair.open()
        self.ours, self.theirs = connected()
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)
        self.told: list[str] = []

    def accept(self, stream: Stream) -> None:
        self.bridged = Bridged(stream, self.loop)
        stream.accept()

    def join(self) -> None:
        self.bridged.join(self.ours, lambda: self.told.append("closing"), lambda: self.told.append("ended"))

    def carry(self) -> None:
        """
        Let everything move that can.
        """
        for _ in range(10):
            self.pair.carry()
            self.loop.turn()

    def receive(self, size: int) -> bytes:
        """
        Take what comes out of the socket.
        """
        found = b""
        while len(found) < size:
            self.carry()
            try:
                found += self.theirs.recv(1 << 16)
            except BlockingIOError:
                continue
        return found

    def test_both_ways(self):
        """
        What comes out of one goes into the other.
        """
        self.join()
        self.stream.send(b"ping")
        self.assertEqual(self.receive(4), b"ping")
        self.theirs.send(b"pong")
        self.carry()
        self.assertEqual(self.side.events, [b"pong"])

    def test_before(self):
        """
        What came before they were joined has waited.
        """
        self.stream.send(b"early")
        self.pair.carry()
        self.join()
        self.assertEqual(self.receive(5), b"early")

    def test_end_before(self):
        """
        So has an end.
        """
        self.stream.close()
        self.pair.carry()
        self.join()
        self.assertEqual(self.theirs.recv(1), b"")

    def test_slow_socket(self):
        """
        A socket that is not read stops the stream; nothing is lost, and the end comes after it.
        """
        self.join()
        sent = os.urandom(WINDOW * 2)
        taken = self.stream.send(sent)
        self.carry()
        self.assertEqual(self.stream.room, 0)
        found = self.receive(WINDOW // 2)
        taken += self.stream.send(memoryview(sent)[taken:])
        self.stream.close()
        found += self.receive(taken - len(found))
        self.assertEqual(found, sent[:taken])
        self.carry()
        self.assertEqual(self.theirs.recv(1), b"")

    def test_slow_stream(self):
        """
        A stream whose peer takes no more stops the socket, and goes on when there is room.
        """
        self.join()
        sent = 0
        for _ in range(1000):
            self.carry()
            try:
                sent += self.theirs.send(bytes(4096))
            except BlockingIOError:
                break
        self.assertLess(sent, WINDOW * 2)
        self.assertEqual(sum(map(len, self.side.events)), WINDOW)
        self.stream.consumed(WINDOW)
        self.carry()
        self.assertGreater(sum(len(event) for event in self.side.events if event != "writable"), WINDOW)

    def test_socket_ends(self):
        """
        A socket that ends closes the stream in that direction, and somebody is told.
        """
        self.join()
        self.theirs.shutdown(socket.SHUT_WR)
        self.carry()
        self.assertEqual((self.side.events, self.told), (["half closed"], ["ended"]))
        self.stream.send(b"more")
        self.assertEqual(self.receive(4), b"more")
        self.bridged.writable()
        self.assertEqual(self.loop.readers, {})

    def test_stream_breaks(self):
        """
        A stream that breaks closes the socket; a broken socket breaks the stream.
        """
        self.join()
        self.stream.reset()
        self.carry()
        self.assertEqual((self.theirs.recv(1), self.told, self.loop.readers), (b"", ["closing"], {}))
        self.bridged.end()
        self.assertEqual(self.told, ["closing"])

    def test_socket_breaks(self):
        """
        A socket that breaks breaks the stream, whether something is sent or received.
        """
        for send in (True, False):
            self.setUp()
            self.join()
            self.ours.send(b"unread")
            self.theirs.close()
            if send:
                self.loop.readers.clear()
                self.stream.send(b"x")
            self.carry()
            self.assertEqual((self.side.events, self.told), (["broken"], ["closing"]))

    def test_cannot_end(self):
        """
        So does one that cannot even be ended.
        """
        self.join()
        self.ours.shutdown(socket.SHUT_RDWR)
        self.theirs.close()
        self.ours.close()
        self.loop.readers.clear()
        self.bridged.half_closed()
        self.assertEqual(self.told, ["closing"])

    def test_nothing(self):
        """
        A wake-up without anything is nothing; so is being told of acceptance.
        """
        self.join()
        (readable,) = self.loop.readers.values()
        readable()
        self.bridged.accepted()
        self.assertEqual(self.told, [])

    def test_never_joined(self):
        """
        A stream that ends before they are joined leaves nothing.
        """
        self.stream.reset()
        self.pair.carry()
        self.assertEqual(self.loop.readers, {})


class Transport(StringTransport):
    """
    One that can be aborted.
    """

    def abortConnection(self) -> None:
        """
        As Twisted's.
        """
        self.aborting = True

    aborting = False


class GivenOrigins(Origins):
    """
    Connects to what it was given.
    """

    def __init__(self, *outcomes: Any) -> None:
        super().__init__()
        self.outcomes = list(outcomes)

    def connect(self, origin: Any) -> socket.socket:
        """
        The next one.
        """
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def forget(self, made: socket.socket) -> None:
        """
        It was not remembered.
        """


class SecureTests(SynchronousTestCase):
    """
    ``PlainCalls`` and ``SecureClient``.
    """

    def setUp(self) -> None:
        self.loop = CrankedLoop()
        self.ours, self.theirs = connected()
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)
        self.transport: Any = Transport()

    def make(self, *outcomes: Any) -> PlainCalls:
        """
        A connection.
        """
        self.transport = Transport()
        calls = PlainCalls("192.0.2.1:7", GivenOrigins(*(outcomes or (self.ours,))), self.loop)
        calls.makeConnection(self.transport)
        return calls

    def test_both_ways(self):
        """
        Bytes go both ways; when grpcio ends, so does the connection.
        """
        calls = self.make()
        calls.dataReceived(b"ping")
        self.assertEqual(self.theirs.recv(9), b"ping")
        self.theirs.send(b"pong")
        self.loop.turn()
        self.assertEqual(self.transport.value(), b"pong")
        self.theirs.shutdown(socket.SHUT_WR)
        self.loop.turn()
        self.assertTrue(self.transport.disconnecting)

    def test_slow_grpcio(self):
        """
        What grpcio does not take stops the client.
        """
        calls = self.make()
        self.transport.producerState = "producing"
        calls.dataReceived(bytes(1 << 16))
        self.assertEqual(self.transport.producerState, "paused")
        size = 0
        while size < 1 << 16:
            size += len(self.theirs.recv(1 << 16))
            self.loop.turn()
        self.assertEqual(self.transport.producerState, "producing")

    def test_slow_client(self):
        """
        What the client does not take stops grpcio.
        """
        calls = self.make()
        calls.pauseProducing()
        self.theirs.send(b"pong")
        self.loop.turn()
        self.assertEqual((self.transport.value(), self.loop.readers), (b"", {}))
        calls.resumeProducing()
        self.loop.turn()
        self.assertEqual(self.transport.value(), b"pong")
        calls.stopProducing()

    def test_client_goes(self):
        """
        A client that goes closes grpcio's end.
        """
        calls = self.make()
        calls.connectionLost()
        self.assertEqual((self.theirs.recv(1), self.loop.readers), (b"", {}))

    def test_grpcio_breaks(self):
        """
        Where grpcio breaks the client is cut off.
        """
        self.make()
        self.ours.send(b"unread")
        self.theirs.close()
        self.loop.turn()
        self.assertTrue(self.transport.aborting)

    def test_busy(self):
        """
        A grpcio that is too busy is tried again, unless the client has gone; one that has gone is not.
        """
        calls = self.make(Full(), self.ours)
        calls.dataReceived(b"ping")
        self.loop.clock.advance(1)
        self.assertEqual(self.theirs.recv(9), b"ping")
        self.make(Full()).connectionLost()
        self.loop.clock.advance(1)
        self.make(OSError("gone"))
        self.assertTrue(self.transport.aborting)

    def test_patience(self):
        """
        A client that does not say what it wants is cut off; one that has gone is forgotten.
        """
        gone: list[SecureClient] = []
        client = SecureClient("192.0.2.1:7", GivenOrigins(), self.loop, 60, gone.append)
        client.makeConnection(self.transport)
        client.dataReceived(b"PRI")
        self.loop.clock.advance(60)
        self.assertTrue(self.transport.aborting)
        client.connectionLost()
        self.assertEqual((gone, self.loop.clock.getDelayedCalls()), ([client], []))
