"""
From a key, a token or nothing to an identity.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.conch.avatar import ConchUser
from twisted.conch.error import ValidPublicKey
from twisted.conch.interfaces import IConchUser
from twisted.conch.ssh.keys import BadKeyError, Key
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IAnonymous, ISSHPrivateKey, IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm
from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import Interface, implementer

from ...auth.interfaces import Attempted, unobserved
from ...auth.users import IUsers
from ...rpc.call import Identity

_log = Logger()

LARGEST_RSA = 8192
SMALLEST_RSA = 2048
"""RSA keys outside of these bounds are weak, or cost more to check than a stranger should be able to ask for."""


class GitUser(ConchUser):
    """
    Somebody who is logged in. May open sessions, and nothing else.

    :param identity: who it is.
    :param session: makes the channel for a session.
    """

    def __init__(self, identity: Identity, session: Callable[..., Any]) -> None:
        super().__init__()
        self.identity = identity
        self.channelLookup = {b"session": session}


@implementer(IRealm)
class GitRealm:
    """
    Turns an identity into an avatar.
    """

    def __init__(self, session: Callable[..., Any]) -> None:
        self._session = session

    def requestAvatar(self, avatarId: Any, mind: object, *interfaces: type[Interface]) -> Any:
        """
        :param avatarId: an :class:`~gitaly_tx.rpc.call.Identity`.
        """
        if IConchUser not in interfaces:
            raise NotImplementedError("only SSH users are known here")
        return IConchUser, GitUser(avatarId, self._session), lambda: None


@implementer(ICredentialsChecker)
class KeyChecker:
    """
    Public keys. A key that nobody has is refused, and the log says which it was and what is like it.

    :param everybody_welcome: whether there are no users, so that any key will do: somebody who has one need not learn how to do
        without.
    """

    credentialInterfaces = (ISSHPrivateKey,)

    def __init__(self, users: IUsers, everybody_welcome: Callable[[], bool], attempted: Attempted = unobserved) -> None:
        self._users = users
        self._attempted = attempted
        self._everybody_welcome = everybody_welcome

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """
        :returns: fires with the identity; fails with ValidPublicKey if there is no signature yet, and with UnauthorizedLogin.
        """
        try:
            key = Key.fromString(credentials.blob)
        except (BadKeyError, ValueError) as error:
            return fail(UnauthorizedLogin(f"not a key: {error}"))
        weak = _weakness(key, credentials.algName)
        if weak:
            self._attempted("key", False)
            _log.info("ssh: refused a key: {why}", why=weak)
            return fail(UnauthorizedLogin(weak))
        known = self._users.by_key(credentials.blob)
        if known is None and not self._everybody_welcome():
            self._attempted("key", False)
            _log.info("ssh: offered key is known to nobody: {hint}", hint=self._users.hint(credentials.blob))
            return fail(UnauthorizedLogin("unknown key"))
        if credentials.signature is None:
            return fail(ValidPublicKey())
        try:
            good = key.verify(credentials.signature, credentials.sigData)
        except Exception:
            return fail(Failure(UnauthorizedLogin("bad signature")))
        if not good:
            return fail(UnauthorizedLogin("bad signature"))
        self._attempted("key", True)
        return succeed(Identity() if known is None else Identity(known.user, known.proof))


@implementer(ICredentialsChecker)
class TokenChecker:
    """
    HTTP tokens as passwords, for those who have no key at hand.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, users: IUsers, attempted: Attempted = unobserved) -> None:
        self._users = users
        self._attempted = attempted

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """
        :returns: fires with the identity, or fails with UnauthorizedLogin.
        """
        try:
            token = credentials.password.decode("utf-8")
        except UnicodeDecodeError:
            return fail(UnauthorizedLogin("not a token"))
        known = self._users.by_token(token, credentials.username.decode("utf-8", "replace"))
        self._attempted("token", known is not None)
        if known is None:
            return fail(UnauthorizedLogin("unknown token"))
        return succeed(Identity(known.user, known.proof))


@implementer(ICredentialsChecker)
class AnonymousChecker:
    """
    No credentials at all: whoever the transport lets through to here.
    """

    credentialInterfaces = (IAnonymous,)

    def __init__(self, attempted: Attempted = unobserved) -> None:
        self._attempted = attempted

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """
        :returns: fires with the anonymous identity.
        """
        self._attempted("anonymous", True)
        return succeed(Identity())


def _weakness(key: Key, algorithm: bytes) -> str:
    """
    Why a key is not good enough; empty if it is.
    """
    if key.type() == "RSA":
        if algorithm == b"ssh-rsa":
            return "RSA signatures with SHA-1 are not accepted"
        if not SMALLEST_RSA <= key.size() <= LARGEST_RSA:
            return f"RSA key of {key.size()} bits"
    if key.type() == "DSA":
        return "DSA keys are not accepted"
    return ""
