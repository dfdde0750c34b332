"""
Tests for :mod:`gitaly_tx.frontends.grpc.socketwire`.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.frontends.grpc.socketwire import AT_ONCE, SocketWire
from tests.support.loop import CrankedLoop, connected


class Session:
    """
    Notes what a session is told.
    """

    def __init__(self) -> None:
        self.events: list[Any] = []

    def data_received(self, data: bytes) -> None:
        """
        Bytes.
        """
        self.events.append(data)

    def connection_lost(self) -> None:
        """
        The end.
        """
        self.events.append("lost")

    def pause(self) -> None:
        """
        No more.
        """
        self.events.append("pause")

    def resume(self) -> None:
        """
        More.
        """
        self.events.append("resume")


class SocketWireTests(SynchronousTestCase):
    """
    ``SocketWire``.
    """

    def setUp(self) -> None:
        self.loop = CrankedLoop()
        self.ours, self.theirs = connected()
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)
        self.gone: list[SocketWire] = []
        self.wire = SocketWire(self.ours, self.loop, self.gone.append)
        self.session = Session()
        carried: Any = self.session
        self.wire.begin(carried, b"begun")

    def receive(self, size: int) -> bytes:
        """
        Take what was sent.
        """
        found = b""
        while len(found) < size:
            try:
                found += self.theirs.recv(1 << 16)
            except BlockingIOError:
                self.loop.turn()
        return found

    def test_received(self):
        """
        What was read before comes first, then what comes; an end, or an error, is the end.
        """
        self.theirs.send(b"more")
        self.loop.turn()
        self.theirs.close()
        self.loop.turn()
        self.assertEqual(self.session.events, [b"begun", b"more", "lost"])
        self.assertEqual((self.gone, self.loop.readers), ([self.wire], {}))

    def test_sent(self):
        """
        Pieces go at once, in order, however many there are; with what the socket does not take the session is paused until it
        does.
        """
        self.session.events.clear()
        pieces = [b"%06d" % number for number in range(AT_ONCE * 3)]
        self.wire.write(pieces)
        large = os.urandom(1 << 18)
        self.wire.write([memoryview(large)])
        self.assertEqual(self.session.events, ["pause"])
        self.assertEqual(self.receive(len(pieces) * 6 + len(large)), b"".join(pieces) + large)
        self.loop.turn()
        self.assertEqual((self.session.events, self.loop.writers), (["pause", "resume"], {}))
        self.wire.write([b"x"])
        self.assertEqual(self.receive(1), b"x")

    def test_close(self):
        """
        A wire that is closed sends what waits first.
        """
        large = os.urandom(1 << 18)
        self.wire.write([large])
        self.wire.close()
        self.assertEqual(self.gone, [])
        self.assertEqual(self.receive(len(large)), large)
        self.loop.turn()
        self.assertEqual((self.gone, self.theirs.recv(1)), ([self.wire], b""))

    def test_close_at_once(self):
        """
        Where nothing waits it is closed at once; so it is when it is aborted, whatever waits.
        """
        self.wire.close()
        self.wire.end()
        self.assertEqual((self.gone, self.theirs.recv(1)), ([self.wire], b""))
        self.setUp()
        self.wire.write([bytes(1 << 18)])
        self.wire.abort()
        self.assertEqual((self.gone, self.loop.readers, self.loop.writers), ([self.wire], {}, {}))

    def test_broken(self):
        """
        A client that has gone ends it, whether something is sent or waits.
        """
        self.theirs.close()
        self.wire.write([b"x"])
        self.assertEqual((self.session.events, self.gone), ([b"begun", "lost"], [self.wire]))
        self.setUp()
        self.wire.write([bytes(1 << 18)])
        self.theirs.close()
        self.loop.turn()
        self.assertEqual(self.gone, [self.wire])

    def test_reset(self):
        """
        A reset is an end.
        """
        self.ours.send(b"unread")
        self.theirs.close()
        self.loop.turn()
        self.assertEqual(self.gone, [self.wire])

    def test_nothing(self):
        """
        A wake-up without anything is nothing.
        """
        (readable,) = self.loop.readers.values()
        readable()
        self.assertEqual((self.gone, self.session.events), ([], [b"begun"]))

    def test_never_begun(self):
        """
        It may end before it carries anything.
        """
        wire = SocketWire(socket.socket(), self.loop, self.gone.append)
        wire.end()
        self.assertEqual(self.gone, [wire])
