"""
Access by rules: who may do what to which repositories.

What no rule allows is refused. Of all rules that name both the user and the repository the one that allows most counts; their
order does not matter, and no rule takes away what another gives. That makes a rule mean the same wherever it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen
from zope.interface import implementer

from ..config.checkaccess import ANYONE, USERS
from ..config.model import Config
from ..config.patterns import Pattern, parse_pattern
from .interfaces import Decision, IAccess, Verb
from .users import IUsers

LONGEST_PATH = 4096
"""Bytes of a repository's path; no file system takes more."""


_ACT = {Verb.READ: "read", Verb.WRITE: "write to", Verb.CREATE: "create", Verb.ADMIN: "administer"}


@frozen
class AccessRule:
    """
    :param name: what the log calls it: ``rule 3``.
    :param patterns: the repositories that it is for.
    :param users: names, and :data:`~gitaly_tx.config.checkaccess.USERS` or :data:`~gitaly_tx.config.checkaccess.ANYONE`.
    :param verb: what it allows, and everything before that.
    """

    name: str
    patterns: tuple[Pattern, ...]
    users: frozenset[str]
    verb: Verb

    def names(self, user: str | None) -> bool:
        """
        Whether it speaks of a user; ``None`` is somebody unknown.
        """
        return ANYONE in self.users or (user is not None and (user in self.users or USERS in self.users))

    def __str__(self) -> str:
        return f"{self.name}: {', '.join(map(str, self.patterns))} {self.verb.name.lower()}"


@implementer(IAccess)
class RuleAccess:
    """
    :param rules: all of them.
    :param users: who is known: whoever is not counts as nobody, also somebody who was known when they logged in.
    :param open_access: neither users nor rules are configured, so everybody may read, write and create.
    """

    def __init__(self, rules: Sequence[AccessRule], users: IUsers, open_access: bool) -> None:
        self.rules = tuple(rules)
        self.open_access = open_access
        self._users = users

    async def decide(self, user: str | None, verb: Verb, storage: str, path: str) -> Decision:
        return self.explain(user, verb, path)

    async def reach(self, user: str | None) -> list[tuple[str, Verb]]:
        if self.open_access:
            return [("**", Verb.CREATE)]
        if self._users.is_admin(user):
            return [("**", Verb.ADMIN)]
        known = self._known(user)
        return [(str(pattern), rule.verb) for rule in self.rules if rule.names(known) for pattern in rule.patterns]

    @property
    def anyone_may(self) -> bool:
        """
        Whether there is anything at all that somebody unknown may do; if not, a front end can ask everybody who they are.
        """
        return self.open_access or any(rule.names(None) for rule in self.rules)

    def explain(self, user: str | None, verb: Verb, path: str) -> Decision:
        """
        The same decision as :func:`decide`, at once.

        :param path: as in :class:`~gitaly_tx.auth.interfaces.IAccess`. All spellings of a repository (with ``.git``, with a slash
            in front) are decided alike; a path with empty components, ``.`` or ``..`` is nobody's.
        """
        normal = normalised(path)
        if normal is None:
            return _refused(user, verb, path, None, "the path is not a repository's")
        best, why = self._best(user, normal)
        if best is not None and best >= verb:
            return Decision(True, why)
        has = f"; {why} is all there is" if best is not None else ""
        return _refused(user, verb, path, best, f"no rule allows {verb.name.lower()}{has}")

    def _best(self, user: str | None, path: str) -> tuple[Verb | None, str]:
        if self.open_access:
            return Verb.CREATE, "open access: neither users nor rules are configured"
        if self._users.is_admin(user):
            return Verb.ADMIN, f"{user} is admin"
        known = self._known(user)
        found = [
            (rule.verb, f"{rule.name}: {pattern} {rule.verb.name.lower()}")
            for rule in self.rules
            if rule.names(known)
            for pattern in rule.patterns
            if pattern.matches(path)
        ]
        return max(found, key=lambda one: one[0], default=(None, ""))

    def _known(self, user: str | None) -> str | None:
        return user if user in self._users.names else None


def normalised(path: str) -> str | None:
    """
    The one spelling of a repository's path that patterns are compared with; ``None`` if it can be no repository's.
    """
    path = path.strip("/")
    while path.endswith(".git"):
        path = path.removesuffix(".git").rstrip("/")
    parts = path.split("/")
    if not path or len(path) > LONGEST_PATH or "\0" in path or any(part in ("", ".", "..") for part in parts):
        return None
    return path


def _refused(user: str | None, verb: Verb, path: str, best: Verb | None, reason: str) -> Decision:
    """
    Somebody who may read learns what they may not do besides; to anybody else the repository may as well not exist.
    """
    shown = "".join(character if character.isprintable() else "?" for character in path[:200])
    if best is None:
        message = f"{shown}: there is no such repository, or you may not {_ACT[verb]} it"
    else:
        message = f"{shown}: you may {_ACT[best]} it, but not {_ACT[verb]} it"
    if user is None:
        message += " (you have not said who you are)"
    return Decision(False, reason, message)


def rules_of(config: Config) -> list[AccessRule]:
    """
    The rules of a configuration, numbered from 1 as they stand in the file; ``anonymous_read`` comes last.
    """
    made = [
        AccessRule(
            f"rule {number}",
            tuple(parse_pattern(pattern) for pattern in rule.repositories),
            frozenset(rule.users),
            Verb[rule.allow.upper()],
        )
        for number, rule in enumerate(config.rules, 1)
    ]
    if config.anonymous_read:
        made.append(AccessRule("anonymous_read", (parse_pattern("**"),), frozenset({ANYONE}), Verb.READ))
    return made


def summary(rules: Iterable[AccessRule]) -> list[str]:
    """
    The rules in words, for the log.
    """
    return [f"{rule} for {', '.join(sorted(rule.users))}" for rule in rules]


__all__ = ["AccessRule", "RuleAccess", "normalised", "rules_of", "summary"]
