"""
Makes the connections, and counts them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.conch.ssh.factory import SSHFactory
from twisted.conch.ssh.keys import Key
from twisted.cred.portal import Portal
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.logger import Logger

from .transport import KEY_EXCHANGES, GitConnection, GitLogin, GitTransport, Quiet

STRANGERS = 100
"""The most connections that are not logged in yet."""

PER_SECOND = 20
"""The most new connections from one address within a second: more is somebody who makes us exchange keys for fun."""

_log = Logger()


class GitSSHFactory(SSHFactory):
    """
    :param host_keys: the keys by which clients know this server.
    :param everybody_welcome: nobody needs to show a key.
    :param anonymous_welcome: under the user name ``anonymous`` nobody needs to show a key.
    :param login: attributes of the login service: its time and its number of attempts.
    """

    noisy = False
    _log = Quiet()
    protocol = GitTransport
    services = {  # noqa: RUF012
        b"ssh-userauth": GitLogin,
        b"ssh-connection": GitConnection,
    }

    def __init__(
        self,
        reactor: IReactorTime,
        portal: Portal,
        host_keys: list[Key],
        everybody_welcome: Callable[[], bool],
        anonymous_welcome: Callable[[], bool],
        login: Mapping[str, float],
    ) -> None:
        self.portal = portal
        self.everybody_welcome = everybody_welcome
        self.anonymous_welcome = anonymous_welcome
        self.privateKeys = {key.sshType(): key for key in host_keys}
        self.publicKeys = {key.sshType(): key.public() for key in host_keys}
        self.connections: set[GitTransport] = set()
        self.reactor = reactor
        self._strangers: set[GitTransport] = set()
        self._recent: dict[str, tuple[int, int]] = {}
        self._login = type("Login", (GitLogin,), {"clock": reactor, **login})

    def getService(self, transport: Any, service: bytes) -> Any:
        """
        The login, and the connection after it.
        """
        found = super().getService(transport, service)
        return self._login if found is GitLogin else found

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """
        :returns: a connection, or ``None`` to close it at once because there are too many.
        """
        if len(self._strangers) >= STRANGERS or not self._admit(addr):
            _log.info("ssh: too many connections that are not logged in; closed one from {peer}", peer=str(addr))
            return None
        made: Any = super().buildProtocol(addr)
        made.supportedKeyExchanges = [name for name in KEY_EXCHANGES if name in made.supportedKeyExchanges]
        self.connections.add(made)
        self._strangers.add(made)
        return made

    def logged_in(self, transport: GitTransport) -> None:
        """
        A connection is not a stranger's any more.
        """
        self._strangers.discard(transport)

    def connection_ended(self, transport: GitTransport) -> None:
        """
        A connection is gone.
        """
        self._strangers.discard(transport)
        self.connections.discard(transport)

    def close_idle(self) -> None:
        """
        End the connections on which no command runs.
        """
        for transport in list(self.connections):
            channels = getattr(transport.service, "channels", None)
            if not channels:
                transport.transport.loseConnection()

    def busy(self) -> bool:
        """
        Whether a command runs on any connection.
        """
        return any(getattr(transport.service, "channels", None) for transport in self.connections)

    def abort(self) -> None:
        """
        End all connections at once.
        """
        for transport in list(self.connections):
            transport.transport.abortConnection()

    def _admit(self, address: IAddress | None) -> bool:
        host = getattr(address, "host", None)
        if host is None or host.startswith("127.") or host == "::1":
            return True
        now = int(self.reactor.seconds())
        second, count = self._recent.get(host, (now, 0))
        if second != now:
            self._recent = {known: seen for known, seen in self._recent.items() if seen[0] == now}
            count = 0
        self._recent[host] = (now, count + 1)
        return count < PER_SECOND
