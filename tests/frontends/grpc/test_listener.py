"""
Tests for :mod:`gitaly_tx.frontends.grpc.listener`, :mod:`gitaly_tx.frontends.grpc.backchannel` and
:mod:`gitaly_tx.frontends.grpc.secure`, over real sockets.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import ssl
import struct
import tempfile
from typing import Any

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.frontends.grpc.listener import AT_ONCE, PAUSE, Acceptor, peer_text
from gitaly_tx.frontends.grpc.listening import Kind, Listen
from gitaly_tx.frontends.grpc.origins import Full
from protocols.gitaly import repository_pb2
from protocols.yamux.frames import ACK, FIN, RST, SYN, Frame, FrameType
from tests.support.calls import Service
from tests.support.certificates import write_certificate
from tests.support.grpcclient import TCP, GRPCCase
from tests.support.leaks import open_descriptors
from tests.support.loop import CrankedLoop

EXISTS = "RepositoryService/RepositoryExists"
REQUEST = repository_pb2.RepositoryExistsRequest()
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = struct.pack(">I", 0)[1:] + b"\x04\x00" + bytes(4)


class ListenerCase(GRPCCase):
    """
    A service, and clients that speak for themselves.
    """

    async def listen(self, *listens: Listen) -> Any:
        """
        Serve.
        """
        self.peers: list[str] = []

        async def exists(call, request):
            self.peers.append(call.peer)
            return repository_pb2.RepositoryExistsResponse(exists=True)

        return await self.serve(Service("RepositoryService", RepositoryExists=exists), listens=listens or (TCP,))

    def connect(self) -> socket.socket:
        """
        A client's socket, to be used in threads.
        """
        host, _, port = self.bound[0].address.rpartition(":")
        made = socket.create_connection((host, int(port)), timeout=20)
        self.addCleanup(made.close)
        return made

    async def until_closed(self, client: socket.socket, said: bytes = b"") -> bytes:
        """
        Say something, and hear until the server closes.
        """

        def talk() -> bytes:
            found = b""
            try:
                client.sendall(said)
                while data := client.recv(1 << 16):
                    found += data
            except (ConnectionError, ssl.SSLEOFError):
                pass
            return found

        return await deferToThread(talk)


class PlainTests(ListenerCase):
    """
    Plain connections.
    """

    async def test_peer(self):
        """
        The peer of a call is the client, and not whoever passed it on.
        """
        for listen, pattern in (
            (TCP, r"\A127\.0\.0\.1:[0-9]+\Z"),
            (Listen(Kind.TCP, "[::1]:0"), r"\A\[::1\]:[0-9]+\Z"),
            (Listen(Kind.TCP, ":0"), r"\A127\.0\.0\.1:[0-9]+\Z"),
        ):
            await self.listen(listen)
            address = self.bound[0].address
            channel = self.channel(f"127.0.0.1{address}" if address.startswith(":") else address)
            await channel.unary(EXISTS, REQUEST)
            self.assertRegex(self.peers[0], pattern)
            self.assertNotEqual(self.peers[0], address)

    async def test_direct(self):
        """
        A direct listener knows plain gRPC only, and its peers the same way.
        """
        channel = await self.listen(Listen(Kind.TCP, "127.0.0.1:0", direct=True))
        await channel.unary(EXISTS, REQUEST)
        self.assertRegex(self.peers[0], r"\A127\.0\.0\.1:[0-9]+\Z")

    async def test_other_words(self):
        """
        What is no HTTP/2 is refused as grpcio does it, and closed.
        """
        await self.listen()
        for said in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01" + bytes(20), bytes(11)):
            await self.until_closed(self.connect(), said)

    async def test_one_by_one(self):
        """
        The first bytes may come one at a time.
        """
        await self.listen()
        client = self.connect()

        def talk() -> bytes:
            for at in range(len(PREFACE)):
                client.sendall(PREFACE[at : at + 1])
            client.sendall(SETTINGS)
            found = b""
            while len(found) < 9:
                found += client.recv(1 << 16)
            return found

        settings = await deferToThread(talk)
        self.assertEqual(settings[3], 4)

    async def test_stop(self):
        """
        A stop closes those who have not said what they want at once, and everybody in the end; nothing is left open.
        """
        before: dict[int, str] = {}
        for _ in range(2):
            before = open_descriptors()
            channel = await self.listen(TCP, Listen(Kind.TCP, "localhost:0"))
            await channel.unary(EXISTS, REQUEST)
            new, old = self.connect(), self.connect()
            closing = self.until_closed(old, PREFACE + SETTINGS)
            await self.service.stopService()
            await closing
            self.assertEqual(await self.until_closed(new), b"")
            new.close()
            old.close()
        left = {number: name for number, name in open_descriptors().items() if number not in before}
        self.assertEqual([name for name in left.values() if "socket" in name], [])

    async def test_full(self):
        """
        While grpcio cannot accept, clients wait.
        """
        channel = await self.listen()
        connect, times = self.origins.connect, 0

        def busy(origin: Any) -> socket.socket:
            nonlocal times
            times += 1
            if times < 3:
                raise Full()
            return connect(origin)

        self.patch(self.origins, "connect", busy)
        await channel.unary(EXISTS, REQUEST)
        self.assertEqual(times, 3)

    async def test_gone(self):
        """
        Where grpcio has gone clients are closed.
        """
        await self.listen()
        self.origins.path += ".gone"
        self.assertEqual(await self.until_closed(self.connect(), PREFACE), b"")


class BackchannelTests(ListenerCase):
    """
    Multiplexed connections, frame by frame.
    """

    def frame(self, kind: FrameType, flags: int, stream_id: int, length: int) -> bytes:
        """
        A frame's header.
        """
        return Frame(kind, flags, stream_id, length).encode()

    async def test_garbage(self):
        """
        What is no yamux is told so, and closed.
        """
        await self.listen()
        answer = await self.until_closed(self.connect(), b"backchannel" + PREFACE)
        self.assertEqual(answer, self.frame(FrameType.GO_AWAY, 0, 0, 1))

    async def test_calls(self):
        """
        The first stream is for calls; another one is refused, and a ping answered.
        """
        await self.listen()
        client = self.connect()

        def talk() -> bytes:
            client.sendall(b"backchannel" + self.frame(FrameType.WINDOW_UPDATE, SYN, 1, 0))
            client.sendall(self.frame(FrameType.DATA, 0, 1, len(PREFACE + SETTINGS)) + PREFACE + SETTINGS)
            client.sendall(self.frame(FrameType.WINDOW_UPDATE, SYN, 3, 0) + self.frame(FrameType.PING, SYN, 0, 5))
            found = b""
            wanted = (self.frame(FrameType.WINDOW_UPDATE, RST, 3, 0), self.frame(FrameType.PING, ACK, 0, 5), b"\x04\x00")
            while not all(each in found for each in wanted):
                data = client.recv(1 << 16)
                if not data:
                    raise AssertionError(f"closed: {found!r}")
                found += data
            return found

        found = await deferToThread(talk)
        self.assertIn(struct.pack(">BBHI", 0, 1, ACK, 1), found)

    async def test_calls_end(self):
        """
        When the client ends its calls the connection is closed.
        """
        await self.listen()
        opened = self.frame(FrameType.WINDOW_UPDATE, SYN, 1, 0) + self.frame(FrameType.DATA, 0, 1, len(PREFACE)) + PREFACE
        answer = await self.until_closed(self.connect(), b"backchannel" + opened + self.frame(FrameType.WINDOW_UPDATE, FIN, 1, 0))
        self.assertIn(self.frame(FrameType.GO_AWAY, 0, 0, 0), answer)

    async def test_full(self):
        """
        While grpcio cannot accept, what comes on the first stream waits.
        """
        await self.listen()
        connect, times = self.origins.connect, 0

        def busy(origin: Any) -> socket.socket:
            nonlocal times
            times += 1
            if times < 3:
                raise Full()
            return connect(origin)

        self.patch(self.origins, "connect", busy)
        client = self.connect()

        def talk() -> None:
            opened = self.frame(FrameType.WINDOW_UPDATE, SYN, 1, 0)
            said = PREFACE + SETTINGS
            client.sendall(b"backchannel" + opened + self.frame(FrameType.DATA, 0, 1, len(said)) + said)
            found = b""
            while b"\x04\x00" not in found[12:]:
                found += client.recv(1 << 16)

        await deferToThread(talk)
        self.assertEqual(times, 3)

    async def test_gone(self):
        """
        Where grpcio has gone the connection is closed; so is one that breaks while it waits.
        """
        await self.listen()
        self.origins.path += ".gone"
        opened = b"backchannel" + self.frame(FrameType.WINDOW_UPDATE, SYN, 1, 0)
        await self.until_closed(self.connect(), opened)


class SecureTests(ListenerCase):
    """
    Connections over TLS, with Python's own TLS.
    """

    async def listen_securely(self) -> None:
        """
        Serve.
        """
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        self.certificate, key = write_certificate(folder)
        await self.listen(Listen(Kind.TLS, "127.0.0.1:0", self.certificate, key))

    def shake_hands(self, client: socket.socket, version: ssl.TLSVersion | None = None) -> ssl.SSLSocket:
        """
        Begin, in a thread.
        """
        context = ssl.create_default_context(cafile=self.certificate)
        context.set_alpn_protocols(["h2"])
        if version is not None:
            context.minimum_version = context.maximum_version = version
            context.set_ciphers("ALL:@SECLEVEL=0")
        made = context.wrap_socket(client, server_hostname="127.0.0.1")
        self.addCleanup(made.close)
        return made

    async def test_protocol(self):
        """
        HTTP/2 is agreed on; nothing older than TLS 1.2 is.
        """
        await self.listen_securely()
        client = await deferToThread(self.shake_hands, self.connect())
        self.assertEqual(client.selected_alpn_protocol(), "h2")
        await deferToThread(self.shake_hands, self.connect(), ssl.TLSVersion.TLSv1_2)
        await self.assertFailure(
            deferToThread(self.shake_hands, self.connect(), ssl.TLSVersion.TLSv1_1), ssl.SSLError, ConnectionError
        )

    async def test_one_by_one(self):
        """
        The first bytes may come one at a time; what is no HTTP/2 is closed.
        """
        await self.listen_securely()

        def talk(said: bytes, enough: int) -> bytes:
            client = self.shake_hands(self.connect())
            for at in range(len(said)):
                client.sendall(said[at : at + 1])
            found = b""
            while len(found) < enough and (data := client.recv(1 << 16)):
                found += data
            return found

        self.assertEqual((await deferToThread(talk, PREFACE + SETTINGS, 9))[3], 4)
        answer = await deferToThread(talk, b"backchannelGET / HTTP/1.1", 100)
        self.assertEqual(answer, Frame(FrameType.GO_AWAY, 0, 0, 1).encode())

    async def test_stop(self):
        """
        A stop closes all of them.
        """
        await self.listen_securely()
        client = await deferToThread(self.shake_hands, self.connect())
        other = await deferToThread(self.shake_hands, self.connect())
        closing = [self.until_closed(client), self.until_closed(other, PREFACE + SETTINGS)]
        stopping = self.service.stopService()
        for each in closing:
            await each
        await stopping


class AcceptorTests(SynchronousTestCase):
    """
    ``Acceptor``.
    """

    def setUp(self) -> None:
        self.loop = CrankedLoop()
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.accepted: list[tuple[socket.socket, str]] = []
        self.acceptor = Acceptor(self.listening, self.loop, lambda *what: self.accepted.append(what))
        self.addCleanup(self.acceptor.close)
        self.addCleanup(self.close_accepted)

    def close_accepted(self) -> None:
        """
        Clean up.
        """
        for each, _ in self.accepted:
            each.close()

    def connect(self) -> socket.socket:
        """
        A client.
        """
        made = socket.create_connection(self.listening.getsockname())
        self.addCleanup(made.close)
        return made

    def test_accepted(self):
        """
        Connections are made ready, and their addresses told.
        """
        client = self.connect()
        self.loop.turn()
        ((fresh, text),) = self.accepted
        self.assertFalse(fresh.getblocking())
        self.assertTrue(fresh.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        self.assertTrue(fresh.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        self.assertEqual(text, f"127.0.0.1:{client.getsockname()[1]}")

    def test_many(self):
        """
        One turn does not go on without end.
        """
        for _ in range(AT_ONCE + 1):
            self.connect()
        self.loop.turn(1)
        self.assertEqual(len(self.accepted), AT_ONCE)
        self.loop.turn()
        self.assertEqual(len(self.accepted), AT_ONCE + 1)

    def test_no_descriptors(self):
        """
        Without descriptors nothing is tried for a while, instead of all the time.
        """

        class Failing:
            def __init__(self, inner: Any, error: int) -> None:
                self._inner = inner
                self._error = error

            def __getattr__(self, name: str) -> Any:
                return getattr(self._inner, name)

            def accept(self) -> Any:
                raise OSError(self._error, os.strerror(self._error))

        self.acceptor._socket = Failing(self.listening, errno.EMFILE)  # type: ignore[assignment]
        self.connect()
        self.loop.turn()
        self.assertEqual((self.accepted, self.loop.readers), ([], {}))
        self.acceptor._socket = self.listening
        self.loop.clock.advance(PAUSE)
        self.loop.turn()
        self.assertEqual(len(self.accepted), 1)
        self.acceptor._socket = Failing(self.listening, errno.EMFILE)  # type: ignore[assignment]
        self.connect()
        self.loop.turn()
        self.acceptor._socket = self.listening
        self.acceptor.close()
        self.assertEqual(self.loop.clock.getDelayedCalls(), [])

    def test_texts(self):
        """
        An IPv4 address stays one, however it came in.
        """
        for family, address, text in (
            (socket.AF_INET, ("192.0.2.1", 7), "192.0.2.1:7"),
            (socket.AF_INET6, ("2001:db8::1", 7, 0, 0), "[2001:db8::1]:7"),
            (socket.AF_INET6, ("::ffff:192.0.2.1", 7, 0, 0), "192.0.2.1:7"),
            (socket.AF_UNIX, "", "unix"),
        ):
            self.assertEqual(peer_text(family, address), text)
