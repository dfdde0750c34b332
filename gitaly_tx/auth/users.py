"""
Who is known to this server, and by what they are recognised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen
from zope.interface import Attribute, Interface, implementer

from ..config.model import Config
from ..config.problems import Findings
from .keys import KeyRing, KeyUnusable, PublicKey, parse_key
from .tokens import TokenTable, hash_token

STAND_INS = frozenset({"", "git", "oauth2", "token", "x-access-token", "x-token-auth"})
"""User names that HTTP clients send beside a token when they have none to send."""


@frozen
class Recognised:
    """
    Somebody who has shown a key or a token that belongs to a user.

    :param user: the user's name.
    :param admin: they may do everything.
    :param proof: what they showed, for the log and not secret: ``key SHA256:…``, ``token 1f2e3d4c``.
    """

    user: str
    admin: bool
    proof: str


class IUsers(Interface):
    """
    The users that the configuration names.
    """

    names: frozenset[str] = Attribute("All names.")

    def by_key(blob: bytes) -> Recognised | None:
        """
        :param blob: the public key as the client offered it; the caller checks the signature.
        """

    def by_token(token: str, username: str | None = None) -> Recognised | None:
        """
        :param token: what the client sent as its password, or as its bearer token.
        :param username: what it sent as its name. A token is refused under another user's name, so that nobody acts as somebody
            else than they believe; the names in :data:`STAND_INS` are nobody's.
        """

    def hint(blob: bytes) -> str:
        """
        What to log about a key that is nobody's.
        """

    def is_admin(user: str | None) -> bool:
        """
        Whether a user may do everything. Unknown users may not.
        """


@implementer(IUsers)
class Users:
    """
    A directory of users that never changes; a reload makes a new one.

    :param admins: for each user, whether they may do everything.
    :param keys: their keys.
    :param tokens: their tokens.
    """

    def __init__(self, admins: Mapping[str, bool], keys: KeyRing, tokens: TokenTable) -> None:
        self._admins = dict(admins)
        self._keys = keys
        self._tokens = tokens
        self.names = frozenset(admins)

    def by_key(self, blob: bytes) -> Recognised | None:
        owner = self._keys.owner(blob)
        return None if owner is None else self._recognised(owner, f"key {PublicKey(blob, '').fingerprint}")

    def by_token(self, token: str, username: str | None = None) -> Recognised | None:
        owner = self._tokens.owner(token)
        if owner is None or (username not in STAND_INS and username not in (None, owner)):
            return None
        # Eight digits of the hash tell which of a user's tokens it was; they help nobody to find it.
        return self._recognised(owner, f"token {hash_token(token).removeprefix('sha256:')[:8]}")

    def hint(self, blob: bytes) -> str:
        return self._keys.hint(blob)

    def is_admin(self, user: str | None) -> bool:
        return user is not None and self._admins.get(user, False)

    def _recognised(self, user: str, proof: str) -> Recognised:
        return Recognised(user, self._admins.get(user, False), proof)


def users_of(config: Config) -> Users:
    """
    The users of a configuration.

    :raises ConfigError: if a key's text is well-formed and its numbers are not a key.
    """
    findings = Findings(config.lines)
    keys = KeyRing(_keys(config, findings))
    findings.raise_fatal(config.source)
    tokens = TokenTable((token, user.name) for user in config.users for token in user.tokens)
    return Users({user.name: user.admin for user in config.users}, keys, tokens)


def _keys(config: Config, findings: Findings) -> Iterator[tuple[PublicKey, str]]:
    for number, user in enumerate(config.users):
        for line in user.keys:
            try:
                yield parse_key(line), user.name
            except KeyUnusable as error:
                findings.error(("user", number, "keys"), f"{error}: {line[:40]}…", "copy the .pub file's text once more")


__all__ = ["STAND_INS", "IUsers", "Recognised", "Users", "users_of"]
