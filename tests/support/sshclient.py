"""
An SSH client made of conch's parts, for tests that need to say exactly what goes over the wire.
"""

from __future__ import annotations

import struct
from typing import Any

from twisted.conch.ssh.channel import SSHChannel
from twisted.conch.ssh.common import NS
from twisted.conch.ssh.connection import SSHConnection
from twisted.conch.ssh.keys import Key
from twisted.conch.ssh.transport import SSHClientTransport
from twisted.conch.ssh.userauth import SSHUserAuthClient
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.python.failure import Failure


class Login(SSHUserAuthClient):
    """
    Shows one key, or nothing.
    """

    def __init__(self, user: bytes, connection: SSHConnection, key: Key | None, password: bytes | None) -> None:
        super().__init__(user, connection)
        self.key = key
        self.password = password
        self.shown = False

    def getPublicKey(self) -> Key | None:
        if self.key is None or self.shown:
            return None
        self.shown = True
        return self.key.public()

    def getPrivateKey(self) -> Deferred[Key]:
        return succeed(self.key) if self.key is not None else fail(ValueError("no key"))

    def getPassword(self, prompt: bytes | None = None) -> Deferred[bytes] | None:
        password, self.password = self.password, None
        return None if password is None else succeed(password)


class Channel(SSHChannel):
    """
    One session: what it sent us, and how it ended.
    """

    name = b"session"

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.opened: Deferred[None] = Deferred()
        self.ended: Deferred[None] = Deferred()
        self.stdout = b""
        self.stderr = b""
        self.status: int | None = None

    def channelOpen(self, specificData: bytes) -> None:
        self.opened.callback(None)

    def openFailed(self, reason: Any) -> None:
        self.opened.errback(Failure(reason))

    def dataReceived(self, data: bytes) -> None:
        self.stdout += data

    def extReceived(self, dataType: int, data: bytes) -> None:
        self.stderr += data

    def request_exit_status(self, data: bytes) -> bool:
        (self.status,) = struct.unpack(">L", data)
        return True

    def closed(self) -> None:
        if not self.ended.called:
            self.ended.callback(None)


class Connection(SSHConnection):
    """
    The connection service; says when it is there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.started: Deferred[Connection] = Deferred()

    def serviceStarted(self) -> None:
        super().serviceStarted()
        self.started.callback(self)

    async def session(self) -> Channel:
        """
        A new session.
        """
        channel = Channel(conn=self)
        self.openChannel(channel)
        await channel.opened
        return channel

    async def run(self, command: bytes, stdin: bytes = b"") -> Channel:
        """
        Run a command to its end.
        """
        channel = await self.session()
        await self.sendRequest(channel, b"exec", NS(command), wantReply=1)
        if stdin:
            channel.write(stdin)
        self.sendEOF(channel)
        await channel.ended
        return channel


class Client(SSHClientTransport):
    """
    The transport; any host key will do.
    """

    def __init__(self, user: bytes, key: Key | None, password: bytes | None) -> None:
        self.connection = Connection()
        self.login = Login(user, self.connection, key, password)
        self.lost: Deferred[None] = Deferred()
        self.host_key = b""

    def verifyHostKey(self, hostKey: bytes, fingerprint: str) -> Deferred[bool]:
        self.host_key = hostKey
        return succeed(True)

    def connectionSecure(self) -> None:
        self.requestService(self.login)

    def receiveError(self, reasonCode: int, description: bytes) -> None:
        if not self.connection.started.called:
            self.connection.started.errback(Failure(ConnectionError(description.decode())))

    def connectionLost(self, reason: Any) -> None:  # type: ignore[override]
        super().connectionLost(reason)
        if not self.connection.started.called:
            self.connection.started.errback(Failure(ConnectionError("connection lost")))
        self.lost.callback(None)


async def connect(reactor: Any, port: int, user: bytes = b"git", key: Key | None = None, password: bytes | None = None) -> Client:
    """
    :returns: a client that is logged in.
    :raises ConnectionError: if the server does not let it in.
    """
    client = Client(user, key, password)
    await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), client)
    await client.connection.started
    return client
