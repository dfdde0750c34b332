"""
Tests for git over SSH: a real listener, a conch client, and a scripted service behind it.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from twisted.conch.error import ConchError
from twisted.conch.ssh.common import NS
from twisted.conch.ssh.keys import Key
from twisted.cred.portal import Portal
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import TestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.frontends.ssh import ciphers, factory, transport
from gitaly_tx.frontends.ssh.commands import Commands
from gitaly_tx.frontends.ssh.factory import GitSSHFactory
from gitaly_tx.frontends.ssh.hostkey import host_key
from gitaly_tx.frontends.ssh.realm import GitRealm
from gitaly_tx.frontends.ssh.service import SSHService
from gitaly_tx.frontends.ssh.session import WINDOW, GitSession
from gitaly_tx.rpc.call import Call, Door
from gitaly_tx.streams import StreamBroken
from protocols.gitaly.shared_pb2 import ExitStatus
from protocols.gitaly.ssh_pb2 import SSHUploadPackResponse
from tests.frontends.doors import KnownUsers, Reach, Scripted, refuse, resolve
from tests.support.sshclient import Client, Login, connect

UPLOAD = b"git-upload-pack '/team/thing.git'"


async def nothing(call: Call) -> None:
    """
    A command that does nothing.
    """


async def echo(call: Call) -> None:
    """
    A command that sends back what it gets.
    """
    assert call.body is not None
    while data := await call.body.source.read():
        await call.body.stdout.write(data)


class SSHCase(TestCase):
    """
    A listener with one user who has a key.
    """

    timeout = 60
    everybody = False
    anonymous = False
    login_grace = 60.0

    async def listen(self, play: Callable[[Call], Awaitable[None]]) -> None:
        """
        Begin to serve.
        """
        self.key = Key(ed25519.Ed25519PrivateKey.generate())
        self.users = KnownUsers(self.key.public().blob())
        self.scripted = Scripted(play)
        self.host_key = Path(self.mktemp()) / "key"
        self.service = SSHService(
            reactor,
            TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"),
            Commands(self.scripted, resolve, Reach()),
            self.users,
            str(self.host_key),
            lambda: self.everybody,
            lambda: self.anonymous,
            login_grace=self.login_grace,
            grace=0.5,
        )
        port: Any = await self.service.listen()
        self.number: int = port.getHost().port
        self.clients: list[Client] = []
        self.addCleanup(self.finish)

    async def finish(self) -> None:
        """
        End everything.
        """
        for client in self.clients:
            if client.transport is not None:
                client.transport.loseConnection()
            await client.lost
        await self.service.stopService()

    async def connect(self, **arguments: Any) -> Client:
        """
        A client that is logged in, by default with the user's key.
        """
        client = await connect(reactor, self.number, **{"key": self.key, **arguments})
        self.clients.append(client)
        return client

    async def refused(self, **arguments: Any) -> None:
        """
        A client that is not let in.
        """
        try:
            await self.connect(**arguments)
        except ConnectionError:
            return
        self.fail("was let in")


class CommandTests(SSHCase):
    """
    git's three commands become calls.
    """

    async def test_echo(self) -> None:
        """
        Standard input and output go both ways, and the exit status is 0.
        """
        await self.listen(echo)
        client = await self.connect()
        channel = await client.connection.run(UPLOAD, b"hello")
        self.assertEqual((channel.stdout, channel.status), (b"hello", 0))
        (call,) = self.scripted.calls
        self.assertEqual((call.method.name, call.door, call.identity.user), ("SSHUploadPack", Door.SSH, "deploy"))
        request: Any = await call.exchange.receive()
        self.assertEqual(request.repository.relative_path, "team/thing.git")

    async def test_large(self) -> None:
        """
        More bytes than any window has room for go through, in both directions at once.
        """
        await self.listen(echo)
        client = await self.connect()
        data = os.urandom(1 << 20) * (3 * WINDOW // (1 << 20))
        channel = await client.connection.run(b"git receive-pack 'a.git'", data)
        self.assertEqual(channel.status, 0)
        self.assertTrue(channel.stdout == data)

    async def test_status_and_stderr(self) -> None:
        """
        git's exit status and its standard error reach the client.
        """

        async def play(call: Call) -> None:
            assert call.body is not None
            await call.body.stderr.write(b"fatal: no\n")
            await call.exchange.send(SSHUploadPackResponse(exit_status=ExitStatus(value=42)))

        await self.listen(play)
        client = await self.connect()
        channel = await client.connection.run(UPLOAD)
        self.assertEqual((channel.stdout, channel.stderr, channel.status), (b"", b"fatal: no\n", 42))

    async def test_failure(self) -> None:
        """
        A call that fails says so in words; an internal failure says nothing of the server.
        """
        await self.listen(refuse(GitalyError("repository not found", Code.NOT_FOUND)))
        client = await self.connect()
        channel = await client.connection.run(UPLOAD)
        self.assertEqual((channel.status, channel.stderr), (128, b"gitaly: repository not found\n"))
        self.scripted.play = refuse(GitalyError("/srv/secret broke", Code.INTERNAL))
        channel = await client.connection.run(UPLOAD)
        self.assertNotIn(b"secret", channel.stderr)

    async def test_refused_commands(self) -> None:
        """
        Anything but git's three commands is refused with words, and nothing is called (faults 127, 128).
        """
        await self.listen(nothing)
        client = await self.connect()
        for command in (b"scp -t /", b"git-upload-pack '/x'; id", b"git-shell", b"rsync --server", b"git upload-pack", b"\xff"):
            channel = await client.connection.run(command)
            self.assertEqual(channel.status, 128, command)
            self.assertTrue(channel.stderr, command)
        self.assertEqual(self.scripted.calls, [])

    async def test_environment(self) -> None:
        """
        ``GIT_PROTOCOL`` is taken and no other variable is (fault 125).
        """
        await self.listen(nothing)
        client = await self.connect()
        channel = await client.connection.session()
        for name in (b"LD_PRELOAD", b"GIT_SSH_COMMAND", b"GIT_DIR", b"LC_ALL"):
            refused = client.connection.sendRequest(channel, b"env", NS(name) + NS(b"x"), wantReply=1)
            await self.assertFailure(refused, ConchError)
        await client.connection.sendRequest(channel, b"env", NS(b"GIT_PROTOCOL") + NS(b"version=2"), wantReply=1)
        await client.connection.sendRequest(channel, b"exec", NS(UPLOAD), wantReply=1)
        await channel.ended
        request: Any = await self.scripted.calls[0].exchange.receive()
        self.assertEqual(request.git_protocol, "version=2")

    async def test_other_requests(self) -> None:
        """
        Forwarding, agents, subsystems and second commands are refused; malformed requests too.
        """
        await self.listen(echo)
        client = await self.connect()
        channel = await client.connection.session()
        for name, data in (
            (b"subsystem", NS(b"sftp")),
            (b"x11-req", b""),
            (b"auth-agent-req@openssh.com", b""),
            (b"exec", b"\xff"),
            (b"env", b""),
            (b"\xff\xfe", b""),
        ):
            await self.assertFailure(client.connection.sendRequest(channel, name, data, wantReply=1), ConchError)
        await client.connection.sendRequest(channel, b"exec", NS(UPLOAD), wantReply=1)
        again = client.connection.sendRequest(channel, b"exec", NS(UPLOAD), wantReply=1)
        await self.assertFailure(again, ConchError)
        forward = client.connection.sendGlobalRequest(b"tcpip-forward", NS(b"") + b"\0\0\0\0", wantReply=1)
        await self.assertFailure(forward, ConchError)

    async def test_too_many_channels(self) -> None:
        """
        A client gets no more sessions than it can need.
        """
        await self.listen(nothing)
        client = await self.connect()
        for _ in range(transport.CHANNELS):
            await client.connection.session()
        with self.assertRaises(ConchError):
            await client.connection.session()
        self.assertEqual(len(self.flushLoggedErrors(ConchError)), 1)

    async def test_greeting(self) -> None:
        """
        Without a command the server says who somebody is and what they may reach.
        """
        await self.listen(nothing)
        client = await self.connect()
        channel = await client.connection.session()
        await client.connection.sendRequest(channel, b"shell", b"", wantReply=1)
        await channel.ended
        self.assertEqual(channel.status, 0)
        self.assertIn(b"deploy", channel.stderr)
        self.assertIn(b"team/*", channel.stderr)

    async def test_client_goes_away(self) -> None:
        """
        When the client goes away its call is cancelled.
        """
        ended: Deferred[str] = Deferred()

        async def play(call: Call) -> None:
            assert call.body is not None
            try:
                await call.body.source.read()
                await call.body.source.read()
            except (StreamBroken, CancelledError) as error:
                ended.callback(type(error).__name__)
                raise

        await self.listen(play)
        client = await self.connect()
        channel = await client.connection.session()
        await client.connection.sendRequest(channel, b"exec", NS(UPLOAD), wantReply=1)
        channel.write(b"x")
        await deferLater(reactor, 0)
        wire: Any = client.transport
        wire.abortConnection()
        self.assertIn(await ended, ("StreamBroken", "CancelledError"))


class Wire:
    """
    A connection and its transport, as a channel sees them.
    """

    congested = False

    def __init__(self) -> None:
        self.transport = self
        self.sent: list[bytes] = []

    def send_view(self, channel: GitSession, data: memoryview) -> None:
        """
        Send bytes.
        """
        self.sent.append(bytes(data))


class WindowTests(TestCase):
    """
    A client's window.
    """

    def channel(self, window: int) -> tuple[GitSession, Wire]:
        """
        A channel whose client has a window.
        """
        wire: Any = Wire()
        scripted = Commands(Scripted(echo), resolve, Reach())
        return GitSession(scripted, remoteWindow=window, remoteMaxPacket=32768, conn=wire), wire

    def test_all_of_it(self) -> None:
        """
        All of a window is used. What several messages open is used at once, by what waits, then by who waits.
        """
        channel, wire = self.channel(10)
        self.assertFalse(channel.sends_much)
        channel.write(b"0123456789abcd")
        channel.write(b"ef")
        channel.writeExtended(1, b"!")
        drained = channel.drained()
        self.assertEqual((wire.sent, channel.sends_much, channel.open_part), ([b"0123456789"], True, 0))
        channel.addWindowBytes(2)
        channel.addWindowBytes(3)
        self.assertEqual((len(wire.sent), channel.open_part), (1, 0.5))
        channel.go_on()
        self.assertEqual(wire.sent[1:], [b"abcde"])
        self.assertNoResult(drained)

    def test_socket_first(self) -> None:
        """
        While the socket is full a window that opens changes nothing.
        """
        channel, wire = self.channel(0)
        channel.write(b"abc")
        drained = channel.drained()
        wire.congested = True
        channel.addWindowBytes(10)
        channel.go_on()
        self.assertEqual(wire.sent, [])
        self.assertNoResult(drained)
        wire.congested = False
        channel.go_on()
        self.assertEqual(wire.sent, [b"abc"])
        self.successResultOf(drained)

    def test_rest(self) -> None:
        """
        A client is left alone for as long as it opens an eighth to a half of its window in, within limits.
        """
        self.assertEqual(transport.rest(0.01, 0.1), 0.02)
        self.assertEqual([transport.rest(0.01, part) for part in (0.125, 0.3, 0.5)], [0.01] * 3)
        self.assertEqual(transport.rest(0.01, 0.6), 0.005)
        self.assertEqual(transport.rest(transport.LONGEST_REST, 0), transport.LONGEST_REST)
        self.assertEqual(transport.rest(transport.SHORTEST_REST, 1), transport.SHORTEST_REST)


class Silent(Login):
    """
    Asks for nothing, ever.
    """

    def serviceStarted(self) -> None:
        pass


class LoginTests(SSHCase):
    """
    Who is let in.
    """

    async def test_unknown_key(self) -> None:
        """
        A key that nobody has is refused, and looked up for the log's sake; SHA-1 has no say.
        """
        await self.listen(nothing)
        other = Key(ed25519.Ed25519PrivateKey.generate())
        await self.refused(key=other)
        self.assertEqual(self.users.hinted, [other.public().blob()])

    async def test_weak_key(self) -> None:
        """
        A short RSA key is refused, known or not.
        """
        await self.listen(nothing)
        weak = Key(rsa.generate_private_key(65537, 1024))
        self.users.key = weak.public().blob()
        await self.refused(key=weak)

    async def test_token_as_password(self) -> None:
        """
        A token is taken as a password; a wrong one is not.
        """
        await self.listen(echo)
        client = await self.connect(key=None, password=b"secret")
        await client.connection.run(UPLOAD)
        self.assertEqual(self.scripted.calls[0].identity.user, "deploy")
        await self.refused(key=None, password=b"wrong")

    async def test_nothing_to_show(self) -> None:
        """
        Somebody who shows nothing is not let in, unless they say that they are anonymous and that is allowed.
        """
        await self.listen(echo)
        await self.refused(key=None)
        await self.refused(key=None, user=b"anonymous")
        self.anonymous = True
        await self.refused(key=None)
        client = await self.connect(key=None, user=b"anonymous")
        await client.connection.run(UPLOAD)
        self.assertIsNone(self.scripted.calls[0].identity.user)

    async def test_open_server(self) -> None:
        """
        Where nobody is known, everybody is let in, with a key or without.
        """
        self.everybody = True
        await self.listen(echo)
        for key in (None, Key(ed25519.Ed25519PrivateKey.generate())):
            client = await self.connect(key=key)
            await client.connection.run(UPLOAD)
        self.assertEqual([call.identity.user for call in self.scripted.calls], [None, None])

    async def test_login_takes_too_long(self) -> None:
        """
        Who does not log in in time is cut off.
        """
        self.login_grace = 0.05
        await self.listen(nothing)
        client = Client(b"git", None, None)
        client.login = Silent(b"git", client.connection, None, None)
        await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", self.number), client)
        client.connection.started.addErrback(lambda _: None)
        await client.lost


class HostKeyTests(SSHCase):
    """
    The server is known by one key.
    """

    async def test_made_and_kept(self) -> None:
        """
        The key is made at the first start for its owner's eyes only, and is the same at the next.
        """
        await self.listen(nothing)
        first = (await self.connect()).host_key
        self.assertEqual(self.host_key.stat().st_mode & 0o777, 0o600)
        before = self.host_key.read_bytes()
        self.assertTrue(self.service.fingerprint.startswith("SHA256:"))
        self.assertEqual(host_key(str(self.host_key)).public().blob(), first)
        self.assertEqual(self.host_key.read_bytes(), before)
        self.assertEqual(os.listdir(self.host_key.parent), ["key"])

    def test_not_a_key(self) -> None:
        """
        A file that is no key is an error that does not touch the file.
        """
        path = Path(self.mktemp())
        path.write_text("not a key")
        self.assertIs(self.assertRaises(GitalyError, host_key, str(path)).code, Code.FAILED_PRECONDITION)
        self.assertEqual(path.read_text(), "not a key")
        folder = Path(self.mktemp())
        folder.mkdir()
        self.assertRaises(GitalyError, host_key, str(folder))


class AlgorithmTests(TestCase):
    """
    What is offered to clients.
    """

    def test_nothing_that_terrapin_needs(self) -> None:
        """
        No chacha20-poly1305, no encrypt-then-MAC, no CBC, no SHA-1, no compression: conch has no strict key exchange (fault 135).
        """
        offered = [*ciphers.CIPHERS, *ciphers.MACS, *transport.KEY_EXCHANGES]
        for name in offered:
            for bad in (b"chacha", b"etm", b"cbc", b"sha1", b"md5", b"3des", b"nistp"):
                self.assertNotIn(bad, name)
        self.assertEqual(transport.GitTransport.supportedCompressions, [b"none"])

    def test_too_many_from_one_address(self) -> None:
        """
        More new connections a second than anybody needs are closed at once, but never those from this machine (fault 136).
        """
        clock = Clock()
        key = Key(ed25519.Ed25519PrivateKey.generate())
        made = GitSSHFactory(clock, Portal(GitRealm(lambda: None)), [key], lambda: True, lambda: True, {})
        made.startFactory()
        far = IPv4Address("TCP", "192.0.2.1", 1)
        built = [made.buildProtocol(far) for _ in range(factory.PER_SECOND + 1)]
        self.assertIsNone(built[-1])
        self.assertNotIn(None, built[:-1])
        clock.advance(1)
        self.assertIsNotNone(made.buildProtocol(far))
        for _ in range(factory.PER_SECOND + 1):
            self.assertIsNotNone(made.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1)))
        for _ in range(factory.STRANGERS):
            made.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
        self.assertIsNone(made.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1)))
