"""
The listener: an endpoint, a factory, a way to stop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IReactorTime, IStreamServerEndpoint
from twisted.internet.task import deferLater

from ...auth.interfaces import Attempted, unobserved
from ...auth.users import IUsers
from .commands import Commands
from .factory import GitSSHFactory
from .hostkey import fingerprint, host_key
from .realm import AnonymousChecker, GitRealm, KeyChecker, TokenChecker
from .session import GitSession


class SSHService(Service):
    """
    git over SSH on one address.

    :param host_key_path: the file with the host key; made at the first start.
    :param everybody_welcome: there are no users: anybody may come in, with any key or none.
    :param anonymous_welcome: somebody without a key may come in as ``anonymous``.
    :param login_grace: seconds to log in.
    :param attempts: keys or tokens that may be wrong on one connection.
    :param attempted: told who proved what.
    :param grace: seconds that commands under way get when the server goes down.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        endpoint: IStreamServerEndpoint,
        commands: Commands,
        users: IUsers,
        host_key_path: str,
        everybody_welcome: Callable[[], bool],
        anonymous_welcome: Callable[[], bool],
        login_grace: float = 60.0,
        attempts: int = 6,
        attempted: Attempted = unobserved,
        grace: float = 60.0,
    ) -> None:
        self._reactor = reactor
        self._endpoint = endpoint
        self._commands = commands
        self._users = users
        self._host_key_path = host_key_path
        self._everybody_welcome = everybody_welcome
        self._anonymous_welcome = anonymous_welcome
        self._login_grace = login_grace
        self._attempts = attempts
        self._attempted = attempted
        self._grace = grace
        self._factory: GitSSHFactory | None = None
        self._port: IListeningPort | None = None
        self.fingerprint = ""

    async def listen(self) -> IListeningPort:
        """
        Read or make the host key, and begin to listen.

        :raises GitalyError: if there can be no host key.
        :raises twisted.internet.error.CannotListenError: if the address is taken.
        """
        key = host_key(self._host_key_path)
        self.fingerprint = fingerprint(key)

        def session(*_: Any, **arguments: Any) -> GitSession:
            return GitSession(self._commands, **arguments)

        portal = Portal(GitRealm(session))
        portal.registerChecker(KeyChecker(self._users, self._everybody_welcome, self._attempted))
        portal.registerChecker(TokenChecker(self._users, self._attempted))
        portal.registerChecker(AnonymousChecker(self._attempted))
        self._factory = GitSSHFactory(
            self._reactor,
            portal,
            [key],
            self._everybody_welcome,
            self._anonymous_welcome,
            login={"loginTimeout": self._login_grace, "attemptsBeforeDisconnect": self._attempts - 1},
        )
        self._port = await self._endpoint.listen(self._factory)
        return self._port

    def stopService(self) -> Deferred[None]:
        """
        Stop accepting, let commands under way finish, cut what takes too long.
        """
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
        factory = self._factory
        if factory is None:
            return
        deadline = self._reactor.seconds() + self._grace
        factory.close_idle()
        while factory.busy() and self._reactor.seconds() < deadline:
            await deferLater(self._reactor, 0.05)
        factory.abort()
