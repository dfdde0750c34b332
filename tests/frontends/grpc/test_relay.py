"""
Tests for :mod:`gitaly_tx.frontends.grpc.relay`, :mod:`gitaly_tx.frontends.grpc.firstbytes` and
:mod:`gitaly_tx.frontends.grpc.origins`, with sockets and a loop that is turned by hand.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import tempfile
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.frontends.grpc.firstbytes import FirstBytes, Newcomer
from gitaly_tx.frontends.grpc.origins import Full, Origin, Origins
from gitaly_tx.frontends.grpc.relay import Relay
from tests.support.loop import CrankedLoop, connected

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class FirstBytesTests(SynchronousTestCase):
    """
    ``FirstBytes``.
    """

    @given(st.binary(max_size=40), st.sampled_from([b"backchannel", PREFACE, b""]), st.lists(st.integers(1, 15), max_size=9))
    def test_any_cut(self, rest, word, cuts):
        """
        However the first bytes are cut, it is told once what they are, and none is lost.
        """
        whole = word + rest
        told: list[tuple[bool, bytes]] = []
        first = FirstBytes(lambda *what: told.append(what))
        at = 0
        for cut in [*cuts, len(whole)]:
            if not told and at < len(whole):
                first.receive(whole[at : at + cut])
                at += cut
        if not told:
            # Too little to tell.
            self.assertTrue(any(each.startswith(whole) for each in (b"backchannel", PREFACE[:11], b"sidechannel")))
            return
        ((multiplexed, begun),) = told
        self.assertEqual(multiplexed, whole.startswith(b"backchannel"))
        self.assertEqual((b"backchannel" if multiplexed else b"") + begun, whole[: min(at, len(whole))])


class NewcomerTests(SynchronousTestCase):
    """
    ``Newcomer``.
    """

    def setUp(self) -> None:
        self.loop = CrankedLoop()
        self.client, self.fresh = connected()
        self.addCleanup(self.client.close)
        self.addCleanup(self.fresh.close)
        self.told: list[Any] = []
        self.newcomer = Newcomer(self.fresh, self.loop, 60, lambda *what: self.told.append(what), self.told.append)

    def test_decided(self):
        """
        What it is is told as soon as that is known; nobody watches the socket then, and no time runs out any more.
        """
        self.client.send(b"backch")
        self.loop.turn()
        self.assertEqual(self.told, [])
        self.client.send(b"annelmore")
        self.loop.turn()
        self.assertEqual(self.told, [(True, b"more")])
        self.assertEqual((self.loop.readers, self.loop.clock.getDelayedCalls()), ({}, []))

    def test_too_slow(self):
        """
        A client that does not say what it wants is closed.
        """
        self.client.send(b"PRI")
        self.loop.turn()
        self.loop.clock.advance(60)
        self.assertEqual((self.told, self.client.recv(1), self.loop.readers), ([self.newcomer], b"", {}))

    def test_goes(self):
        """
        One that goes at once is forgotten, whether it goes in peace or not.
        """
        self.client.close()
        self.loop.turn()
        self.assertEqual((self.told, self.loop.readers), ([self.newcomer], {}))

    def test_reset(self):
        """
        So is one whose connection is reset.
        """
        self.client.send(b"PRI")
        self.fresh.close()
        (readable,) = self.loop.readers.values()
        readable()
        self.assertEqual(self.told, [self.newcomer])

    def test_nothing(self):
        """
        A wake-up without anything is nothing.
        """
        (readable,) = self.loop.readers.values()
        readable()
        self.assertEqual(self.told, [])


class RelayTests(SynchronousTestCase):
    """
    ``Relay``.
    """

    def setUp(self) -> None:
        self.loop = CrankedLoop()
        self.client, self.outer = connected()
        self.inner, self.server = connected()
        for each in (self.client, self.outer, self.inner, self.server):
            self.addCleanup(each.close)
        self.gone: list[Relay] = []
        self.relay = Relay(self.outer, self.inner, b"begun ", self.loop, self.gone.append)

    def receive(self, source: socket.socket, size: int) -> bytes:
        """
        Turn the loop until so much has come.
        """
        found = b""
        while len(found) < size:
            self.loop.turn()
            try:
                found += source.recv(1 << 16)
            except BlockingIOError:
                continue
        return found

    def test_both_ways(self):
        """
        What was read before goes first; then everything passes, both ways.
        """
        self.client.send(b"request")
        self.assertEqual(self.receive(self.server, 13), b"begun request")
        self.server.send(b"reply")
        self.assertEqual(self.receive(self.client, 5), b"reply")

    def test_back_pressure(self):
        """
        Whoever does not read stops the other, whose bytes come in order when it does.
        """
        sent = b""
        piece = os.urandom(2048)
        for _ in range(200):
            self.loop.turn()
            try:
                sent += piece[: self.client.send(piece)]
            except BlockingIOError:
                pass
        self.assertLess(len(sent), 200 * len(piece))
        self.assertEqual(self.receive(self.server, len(sent) + 6), b"begun " + sent)

    def test_half_closed(self):
        """
        One side may end before the other; when both have it is over.
        """
        self.client.shutdown(socket.SHUT_WR)
        self.assertEqual(self.receive(self.server, 6), b"begun ")
        self.loop.turn()
        self.assertEqual(self.server.recv(1), b"")
        self.server.send(b"still")
        self.assertEqual(self.receive(self.client, 5), b"still")
        self.assertEqual(self.gone, [])
        self.server.close()
        self.loop.turn()
        self.assertEqual(self.client.recv(1), b"")
        self.assertEqual((self.gone, self.loop.readers, self.loop.writers), ([self.relay], {}, {}))

    def test_ended(self):
        """
        It can be ended at once, more than once.
        """
        self.relay.end()
        self.relay.end()
        self.assertEqual((self.gone, self.client.recv(1), self.loop.readers, self.loop.writers), ([self.relay], b"", {}, {}))

    def test_client_does_not_take(self):
        """
        An error while something is passed on ends it, also when it is what was read before, or what had to wait.
        """
        self.server.close()
        self.loop.turn()
        self.assertEqual(self.gone, [self.relay])

    def test_client_breaks(self):
        """
        A client that is gone when a reply comes ends it.
        """
        self.loop.turn()
        self.client.close()
        self.server.send(b"x")
        self.loop.turn()
        self.assertEqual(self.gone, [self.relay])

    def test_server_breaks(self):
        """
        So does a server that is gone when a request comes.
        """
        self.loop.turn()
        self.server.close()
        self.client.send(b"x")
        self.loop.turn()
        self.assertEqual(self.gone, [self.relay])

    def test_reset(self):
        """
        And a reset, which leaves something unread.
        """
        self.server.send(b"x")
        self.loop.turn()
        self.server.close()
        self.client.close()
        self.loop.turn()
        self.assertEqual(self.gone, [self.relay])

    def test_nothing(self):
        """
        A wake-up without anything is nothing.
        """
        self.loop.turn()
        for callback in list(self.loop.readers.values()):
            callback()
        self.assertEqual(self.gone, [])


class OriginTests(SynchronousTestCase):
    """
    ``Origins``.
    """

    def setUp(self) -> None:
        folder = tempfile.mkdtemp(prefix="s-")
        self.addCleanup(shutil.rmtree, folder)
        self.origins = Origins()
        self.origins.path = os.path.join(folder, "grpc")

    def listen(self, backlog: int = 5) -> socket.socket:
        """
        What grpcio does.
        """
        listening = socket.socket(socket.AF_UNIX)
        self.addCleanup(listening.close)
        listening.bind(self.origins.path)
        listening.listen(backlog)
        return listening

    def test_known(self):
        """
        Whom we connect for is known by the name of our end, until it is closed.
        """
        listening = self.listen()
        origin = Origin("192.0.2.1:7")
        made = self.origins.connect(origin)
        _, name = listening.accept()
        peer = f"unix-abstract:{name[1:].decode()}"
        self.assertIs(self.origins.of(peer), origin)
        self.assertIsNone(self.origins.of("unix:"))
        self.origins.close(made)
        self.assertIsNone(self.origins.of(peer))
        self.origins.forget(made)

    def test_full(self):
        """
        A server that is too busy to accept is tried again later; so it is when there are no descriptors.
        """
        self.listen(0)
        self.addCleanup(self.origins.connect(Origin("a")).close)
        self.assertRaises(Full, self.origins.connect, Origin("b"))

    def test_no_descriptors(self):
        """
        So it is when the system has no more of something.
        """
        real = socket.socket

        class Failing(real):  # type: ignore[misc, valid-type]
            def bind(self, address):
                raise OSError(errno.ENOBUFS, "no buffer space")

        self.patch(socket, "socket", Failing)
        self.assertRaises(Full, self.origins.connect, Origin("b"))

    def test_gone(self):
        """
        A server that is no more is an error.
        """
        self.assertRaises(OSError, self.origins.connect, Origin("a"))
