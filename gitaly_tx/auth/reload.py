"""
Users, rules and secrets that can be replaced while the server runs.
"""

from __future__ import annotations

from attrs import evolve
from zope.interface import implementer

from ..config.checklisten import check_open
from ..config.model import Config, User
from ..config.problems import Findings
from .callers import Callers, Wanted
from .interfaces import Decision, IAccess, Verb
from .rules import RuleAccess, rules_of, summary
from .users import IUsers, Recognised, Users, users_of


@implementer(IAccess, IUsers)
class Authority:
    """
    Who is known and what they may do, as the last good configuration says. Everybody who has to ask holds this one object for
    ever; a reload replaces what is inside at once, so that no question is answered half by the old and half by the new.

    :param config: the configuration at start.
    :raises ConfigError: if its users cannot be used.
    :ivar callers: what gRPC callers have to know.
    """

    def __init__(self, config: Config) -> None:
        self._started = config
        self._config = config
        self._users, self._access = _build(config)
        self.callers = Callers(Wanted.of(config.auth))

    @property
    def names(self) -> frozenset[str]:
        """
        All users' names.
        """
        return self._users.names

    @property
    def open_access(self) -> bool:
        """
        Neither users nor rules are configured: everybody may read, write and create.
        """
        return self._access.open_access

    @property
    def anyone_may(self) -> bool:
        """
        Whether there is anything that somebody unknown may do.
        """
        return self._access.anyone_may

    async def decide(self, user: str | None, verb: Verb, storage: str, path: str) -> Decision:
        return await self._access.decide(user, verb, storage, path)

    async def reach(self, user: str | None) -> list[tuple[str, Verb]]:
        return await self._access.reach(user)

    def by_key(self, blob: bytes) -> Recognised | None:
        return self._users.by_key(blob)

    def by_token(self, token: str, username: str | None = None) -> Recognised | None:
        return self._users.by_token(token, username)

    def hint(self, blob: bytes) -> str:
        return self._users.hint(blob)

    def is_admin(self, user: str | None) -> bool:
        return self._users.is_admin(user)

    def replace(self, config: Config) -> list[str]:
        """
        Take users, rules and the secrets of gRPC callers from another configuration. Somebody who is logged in and no longer
        known counts as nobody from the next question on.

        :returns: what changed, in words; empty if nothing did.
        :raises ConfigError: if it cannot be used; then everything stays as it was. That is so, too, if it would open listeners to
            everybody: listeners are as they were at start, whatever the new configuration says of them.
        """
        findings = Findings(config.lines)
        effective = evolve(self._started, users=config.users, rules=config.rules, anonymous_read=config.anonymous_read)
        effective = evolve(effective, auth=config.auth)
        check_open(effective, findings)
        findings.raise_fatal(config.source)
        users, access = _build(config)
        changes = [*_user_changes(self._config.users, config.users), *_rule_changes(self._access, access)]
        self._users, self._access, self._config = users, access, config
        return changes + self.callers.replace(Wanted.of(config.auth))


def _build(config: Config) -> tuple[Users, RuleAccess]:
    users = users_of(config)
    return users, RuleAccess(rules_of(config), users, config.open_access)


def _user_changes(before: tuple[User, ...], after: tuple[User, ...]) -> list[str]:
    old = {user.name: user for user in before}
    new = {user.name: user for user in after}
    changes = [f"user {name} added" for name in new if name not in old]
    changes += [f"user {name} removed" for name in old if name not in new]
    for name in new.keys() & old.keys():
        parts = [part for part in ("keys", "tokens", "admin") if getattr(old[name], part) != getattr(new[name], part)]
        if parts:
            changes.append(f"user {name}: {', '.join(parts)} changed")
    return sorted(changes)


def _rule_changes(before: RuleAccess, after: RuleAccess) -> list[str]:
    old, new = summary(before.rules), summary(after.rules)
    changes = [f"removed: {rule}" for rule in old if rule not in new] + [f"added: {rule}" for rule in new if rule not in old]
    if before.open_access != after.open_access:
        changes.append("access is open to everybody now" if after.open_access else "access is by users and rules now")
    return changes


__all__ = ["Authority"]
