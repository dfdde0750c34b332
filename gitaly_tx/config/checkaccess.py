"""
What must be true of users and rules: that they mean what they seem to mean.
"""

from __future__ import annotations

import re

from .lines import KeyPath
from .model import VERBS, Config
from .patterns import parse_pattern
from .problems import Findings

ANYONE = "@anyone"
"""In a rule: everybody, also those who do not say who they are."""
USERS = "@users"
"""In a rule: everybody who is known."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,254}")
_TOKEN = re.compile(r"sha256:[0-9a-f]{64}")


def check_access(config: Config, findings: Findings) -> None:
    """
    Note names that are wrong, unknown or double, keys and tokens that two users share, and users who can do nothing.
    """
    _check_users(config, findings)
    _check_rules(config, findings)


def _check_users(config: Config, findings: Findings) -> None:
    names: set[str] = set()
    owners: dict[str, str] = {}
    ruled = {name for rule in config.rules for name in rule.users}
    for index, user in enumerate(config.users):
        at: KeyPath = ("user", index)
        if not user.name:
            findings.error((*at, "name"), "a user needs a name", 'write name = "…"')
        elif not _NAME.fullmatch(user.name):
            what = f"{user.name!r} cannot be a name"
            findings.error((*at, "name"), what, "use letters, digits, and . _ - + @ after the first letter")
        elif user.name in names:
            findings.error((*at, "name"), f"there are two users called {user.name!r}", "give each one name, with several keys")
        names.add(user.name)
        for key in user.keys:
            blob = " ".join(key.split()[:2])
            if owners.setdefault(blob, user.name) != user.name:
                what = f"this key belongs to {owners[blob]!r} already"
                findings.error((*at, "keys"), what, "give each key to one user: a key says who somebody is")
        _check_tokens(at, user.name, user.tokens, owners, findings)
        if not user.keys and not user.tokens:
            findings.warning(at, f"{user.name!r} has neither a key nor a token", "add one, or they cannot come in")
        elif not user.admin and not ({user.name, USERS, ANYONE} & ruled) and not config.anonymous_read:
            findings.warning(at, f"no rule names {user.name!r}", "add a [[rule]], or admin = true; now they may do nothing")


def _check_tokens(at: KeyPath, name: str, tokens: tuple[str, ...], owners: dict[str, str], findings: Findings) -> None:
    for index, token in enumerate(tokens):
        path = (*at, "tokens", index)
        if not _TOKEN.fullmatch(token):
            findings.error(path, "this is not a hashed token", "run: gitaly-tx token; and write the line that it prints")
        elif owners.setdefault(token, name) != name:
            findings.error(path, f"this token belongs to {owners[token]!r} already", "make one for each user: gitaly-tx token")


def _check_rules(config: Config, findings: Findings) -> None:
    known = {user.name for user in config.users}
    for index, rule in enumerate(config.rules):
        at: KeyPath = ("rule", index)
        if not rule.repositories:
            findings.error((*at, "repositories"), "the rule is for no repository", 'write repositories = ["**"] for all')
        for number, pattern in enumerate(rule.repositories):
            try:
                parse_pattern(pattern)
            except ValueError as error:
                findings.error((*at, "repositories", number), str(error), 'write a pattern such as "team/*" or "**"')
        if not rule.users:
            findings.error((*at, "users"), "the rule is for nobody", f'write names, "{USERS}" or "{ANYONE}"')
        for number, name in enumerate(rule.users):
            if name not in known and name not in (ANYONE, USERS):
                cure = f'add a [[user]] of that name, or write "{USERS}" or "{ANYONE}"'
                findings.error((*at, "users", number), f"there is no user {name!r}", cure)
        if not rule.allow:
            findings.error((*at, "allow"), "the rule allows nothing", f"write one of: {', '.join(VERBS)}")


__all__ = ["ANYONE", "USERS", "check_access"]
