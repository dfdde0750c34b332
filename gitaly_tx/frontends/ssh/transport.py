"""
conch's transport, login and connection, with what they allow cut down to what is safe, and made fast for packs.
"""

from __future__ import annotations

import struct
from typing import Any

from twisted.conch.error import ConchError
from twisted.conch.interfaces import IConchUser
from twisted.conch.ssh.common import getNS
from twisted.conch.ssh.connection import MSG_CHANNEL_DATA, OPEN_ADMINISTRATIVELY_PROHIBITED, SSHConnection
from twisted.conch.ssh.transport import DISCONNECT_MAC_ERROR, DISCONNECT_PROTOCOL_ERROR, SSHServerTransport
from twisted.conch.ssh.userauth import SSHUserAuthServer
from twisted.cred.credentials import Anonymous, IAnonymous, ISSHPrivateKey, IUsernamePassword
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from .ciphers import CIPHERS, MACS, BadPacket, Ciphers, Seal, offer

ANONYMOUS = b"anonymous"
"""The user name under which somebody without a key may come in, on a server that has users."""

SEND_LIMIT = 1 << 20
"""The most bytes that go into the socket at once."""

FULL = 1 << 19
"""The most bytes that wait for the socket before it is called full."""

SMALL = 1024
"""So few bytes are no part of a push."""

REST, SHORTEST_REST, LONGEST_REST = 0.008, 0.001, 0.064
"""Seconds in which a client that gets a pack is not listened to: at first, and the limits."""

PATIENCE = 0.25
"""Seconds in which a client should have said what it can. All do so unasked; if one does not, it is told what we can."""

CHANNELS = 10
"""The most sessions on one connection: git needs one."""


class Quiet(Logger):
    """
    What conch tells of itself is for those who look into conch.
    """

    def info(self, format: str | None = None, **values: object) -> None:
        """
        Say it where only they hear it.
        """
        self.debug(format, **values)


KEY_EXCHANGES = [b"mlkem768x25519-sha256", b"curve25519-sha256", b"curve25519-sha256@libssh.org"]
"""What is offered, best first."""


@implementer(IPushProducer)
class GitTransport(SSHServerTransport):
    """
    One SSH connection.

    It tells its channels when the socket is full, so that a pack is read from git no faster than the client takes it.
    """

    _log = Quiet()
    supportedCiphers = CIPHERS
    supportedMACs = MACS
    supportedCompressions = [b"none"]  # noqa: RUF012
    transport: Any
    factory: Any
    currentEncryptions: Any
    _keyExchangeState: Any
    congested = False
    _rest = REST
    _resting: IDelayedCall | None = None
    _listening_first: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """
        A client is there.
        """
        if hasattr(self.transport, "setTcpNoDelay"):
            self.transport.setTcpNoDelay(True)
        # Twisted writes 64 to 128 KiB a turn; each turn costs as much as encrypting as many bytes again.
        self.transport.SEND_LIMIT, self.transport.bufferSize = SEND_LIMIT, FULL
        self.transport.registerProducer(self, True)
        self._listening_first = self.factory.reactor.callLater(PATIENCE, self._speak_first)
        super().connectionMade()

    def sendKexInit(self) -> None:
        """
        Say what we can, but not before the client had the time to say what it can: that decides what it is offered.
        """
        if self._listening_first is None:
            super().sendKexInit()

    def _speak_first(self) -> None:
        self._listening_first = None
        self.sendKexInit()

    def ssh_KEXINIT(self, packet: bytes) -> None:
        """
        The client says what it can.
        """
        if self._listening_first is not None:
            self._listening_first.cancel()
            self._listening_first = None
        if self._keyExchangeState == self._KEY_EXCHANGE_NONE:
            self.supportedCiphers = offer([names.split(b",") for names in getNS(packet[16:], 4)[2:4]])
        super().ssh_KEXINIT(packet)
        agreed: Any = self.nextEncryptions
        self.nextEncryptions = Ciphers(agreed.outCipType, agreed.inCipType, agreed.outMACType, agreed.inMACType)

    def sendPacket(self, messageType: int, payload: bytes) -> None:
        """
        Send one message.
        """
        seal = getattr(self.currentEncryptions, "outgoing", None)
        blocked = self._keyExchangeState != self._KEY_EXCHANGE_NONE and not self._allowedKeyExchangeMessageType(messageType)
        if seal is None or blocked:
            super().sendPacket(messageType, payload)
            return
        self.transport.write(seal.packet(bytes((messageType,)) + payload))
        self.outgoingPacketSequence += 1

    def getPacket(self) -> bytes | None:
        """
        The payload of the next packet, if it is there as a whole.
        """
        seal: Seal | None = getattr(self.currentEncryptions, "incoming", None)
        if seal is None:
            found: bytes | None = super().getPacket()
            return found
        try:
            opened = seal.opened(self.buf)
        except BadPacket as error:
            self.sendDisconnect(DISCONNECT_MAC_ERROR if error.forged else DISCONNECT_PROTOCOL_ERROR, str(error).encode())
            return None
        if opened is None:
            return None
        payload, end = opened
        self.buf = self.buf[end:]
        self.incomingPacketSequence += 1
        return payload

    def dataReceived(self, data: bytes) -> None:
        """
        Bytes of the client.

        While a pack goes out, what comes in are messages of some 40 bytes that open the window by 64 KiB. They are looked at
        every few milliseconds, several at a time, and what they have room for is sent at once.
        """
        super().dataReceived(data)
        sending = [channel for channel in self._channels() if channel.sends_much]
        if sending and len(data) < SMALL and self._resting is None:
            self._rest = rest(self._rest, max(channel.open_part for channel in sending))
            self.transport.pauseProducing()
            self._resting = self.factory.reactor.callLater(self._rest, self._listen_again)
        self._go_on()

    def _channels(self) -> list[Any]:
        service = self.service
        return list(service.channels.values()) if isinstance(service, GitConnection) else []

    def _go_on(self) -> None:
        for channel in self._channels():
            channel.go_on()

    def _listen_again(self) -> None:
        self._resting = None
        self.transport.resumeProducing()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """
        The client is gone.
        """
        for waiting in (self._resting, self._listening_first):
            if waiting is not None:
                waiting.cancel()
        self._resting = self._listening_first = None
        self.factory.connection_ended(self)
        super().connectionLost(reason)

    def setService(self, service: Any) -> None:
        """
        The client goes on to its next service; with the connection service it is logged in.
        """
        if isinstance(service, SSHConnection):
            self.factory.logged_in(self)
        super().setService(service)

    def receiveError(self, reasonCode: int, description: bytes) -> None:
        """
        The client says why it leaves: mostly, that it has all it wanted.
        """

    def pauseProducing(self) -> None:
        """
        The socket is full.
        """
        self.congested = True

    def resumeProducing(self) -> None:
        """
        The socket takes bytes again.
        """
        self.congested = False
        self._go_on()

    def stopProducing(self) -> None:
        """
        The connection is gone.
        """

    def send_data(self, channel: int, data: memoryview, largest: int) -> None:
        """
        Send bytes of a channel, all packets in one write.

        :param channel: the client's number for it.
        :param largest: the most bytes in one packet.
        """
        encryption = self.currentEncryptions
        if self._keyExchangeState != self._KEY_EXCHANGE_NONE or not isinstance(encryption, Ciphers):
            for start in range(0, len(data), largest):
                piece = bytes(data[start : start + largest])
                self.sendPacket(MSG_CHANNEL_DATA, struct.pack(">LL", channel, len(piece)) + piece)
            return
        self.transport.write(encryption.packets(self.outgoingPacketSequence, channel, data, largest))
        count = -(-len(data) // largest)
        self.outgoingPacketSequence = (self.outgoingPacketSequence + count) & 0xFFFFFFFF


def rest(last: float, open_part: float) -> float:
    """
    How long not to listen to a client that gets a pack: so long that much of its window is open again, and never all of it.

    :param last: seconds that it was not listened to.
    :param open_part: how much of its window was open after that, 0 to 1.
    """
    if open_part < 1 / 8:
        return min(2 * last, LONGEST_REST)
    if open_part > 1 / 2:
        return max(last / 2, SHORTEST_REST)
    return last


class GitLogin(SSHUserAuthServer):
    """
    The login: keys, tokens as passwords, and nothing at all where that is allowed.
    """

    _log = Quiet()
    loginTimeout = 60
    attemptsBeforeDisconnect = 6
    transport: Any
    interfaceToMethod = {  # noqa: RUF012
        ISSHPrivateKey: b"publickey",
        IUsernamePassword: b"password",
        IAnonymous: b"none",
    }

    def auth_none(self, packet: bytes) -> Deferred[Any]:
        """
        The client shows nothing. Every client asks this first, so on a server with users it must not let somebody in who has a
        key to show: only the user name ``anonymous`` is.
        """
        factory = self.transport.factory
        if factory.everybody_welcome() or (factory.anonymous_welcome() and self.user == ANONYMOUS):
            login: Deferred[Any] = self.portal.login(Anonymous(), None, IConchUser)
            return login
        return fail(ConchError("anonymous login is not allowed"))


class GitConnection(SSHConnection):
    """
    The channels of a connection.

    A channel's window is opened again when its bytes were taken, not when they came in: that is how a client that pushes is made
    to wait.
    """

    _log = Quiet()
    transport: Any

    def getChannel(self, channelType: bytes, windowSize: int, maxPacket: int, data: bytes) -> Any:
        """
        A new channel, unless there are too many.
        """
        if len(self.channels) >= CHANNELS:
            raise ConchError(OPEN_ADMINISTRATIVELY_PROHIBITED, "too many channels")
        return super().getChannel(channelType, windowSize, maxPacket, data)

    def sendData(self, channel: Any, data: bytes) -> None:
        """
        Send bytes of a channel.
        """
        self.send_view(channel, memoryview(data))

    def send_view(self, channel: Any, data: memoryview) -> None:
        """
        Send bytes of a channel, as many as its window was found to have room for.
        """
        if not channel.localClosed:
            self.transport.send_data(self.channelsToRemoteChannel[channel], data, channel.remoteMaxPacket)

    def ssh_CHANNEL_DATA(self, packet: bytes) -> None:
        """
        Bytes for a channel.
        """
        number, size = struct.unpack(">2L", packet[:8])
        channel = self.channels.get(number)
        if channel is None:
            return
        if size > channel.localWindowLeft or size > channel.localMaxPacket:
            self.sendClose(channel)
            return
        channel.localWindowLeft -= size
        channel.dataReceived(getNS(packet[4:])[0])

    def ssh_CHANNEL_EXTENDED_DATA(self, packet: bytes) -> None:
        """
        Nobody has anything to say to git's standard error. It is counted, so that it cannot be sent for ever.
        """
        number, _, size = struct.unpack(">3L", packet[:12])
        channel = self.channels.get(number)
        if channel is not None:
            if size > channel.localWindowLeft:
                self.sendClose(channel)
                return
            channel.localWindowLeft -= size

    def taken(self, channel: Any, waiting: int) -> None:
        """
        Bytes of a channel were taken: let more come.

        :param waiting: how many are not taken yet.
        """
        room = channel.localWindowSize - waiting
        if room - channel.localWindowLeft >= channel.localWindowSize // 4 and not channel.localClosed:
            self.adjustWindow(channel, room - channel.localWindowLeft)
