"""
Tests for :mod:`gitaly_tx.auth.reload`.
"""

from __future__ import annotations

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.auth.interfaces import IAccess, Verb
from gitaly_tx.auth.reload import Authority
from gitaly_tx.auth.tokens import hash_token
from gitaly_tx.auth.users import IUsers
from gitaly_tx.config.load import parse
from gitaly_tx.config.model import Config, User
from gitaly_tx.config.problems import ConfigError
from tests.support.sshkeys import blob, ed25519_key

KEY = ed25519_key("x")


def config(*users: User, rules: str = "", top: str = "") -> Config:
    """
    A configuration with users and rules.
    """
    tables = "".join(
        f'[[user]]\nname = "{user.name}"\nadmin = {str(user.admin).lower()}\n'
        f"keys = {list(user.keys)}\ntokens = {list(user.tokens)}\n"
        for user in users
    )
    return parse(top + tables + rules, None)


ALPHA = User(name="alpha", keys=(KEY,), tokens=(hash_token("one"),))
RULE = '[[rule]]\nrepositories = ["**"]\nusers = ["alpha"]\nallow = "write"\n'


class AuthorityTests(SynchronousTestCase):
    """
    One object answers for ever; what is inside is replaced at once.
    """

    def may(self, authority: Authority, user: str | None, verb: Verb = Verb.READ) -> bool:
        return self.successResultOf(Deferred.fromCoroutine(authority.decide(user, verb, "default", "a/b"))).allowed

    def test_answers(self) -> None:
        """
        It answers all that users and access answer.
        """
        authority = Authority(config(ALPHA, rules=RULE))
        verifyObject(IAccess, authority)
        verifyObject(IUsers, authority)
        found = authority.by_key(blob(KEY))
        assert found is not None
        self.assertEqual(found.user, "alpha")
        self.assertEqual(authority.by_token("one", "alpha"), authority.by_token("one"))
        self.assertIsNone(authority.by_token("two"))
        self.assertIn("known to nobody", authority.hint(b""))
        self.assertEqual((authority.names, authority.open_access, authority.anyone_may), ({"alpha"}, False, False))
        self.assertFalse(authority.is_admin("alpha"))
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(authority.reach("alpha"))), [("**", Verb.WRITE)])
        self.assertTrue(self.may(authority, "alpha"))

    def test_replaced(self) -> None:
        """
        After a reload the new users and rules hold, also for those who are logged in, and what changed is told.
        """
        authority = Authority(config(ALPHA, rules=RULE))
        beta = User(name="beta", tokens=(hash_token("two"),), admin=True)
        changes = authority.replace(config(beta, rules=RULE.replace('"alpha"', '"beta"')))
        self.assertEqual(
            changes,
            ["user alpha removed", "user beta added", "removed: rule 1: ** write for alpha", "added: rule 1: ** write for beta"],
        )
        self.assertFalse(self.may(authority, "alpha"))
        self.assertTrue(self.may(authority, "beta", Verb.ADMIN))
        self.assertIsNone(authority.by_key(blob(KEY)))
        self.assertIsNotNone(authority.by_token("two"))

    def test_changes(self) -> None:
        """
        A user's change is told by what changed, never by its value.
        """
        authority = Authority(config(ALPHA))
        changed = evolve(ALPHA, keys=(), tokens=(hash_token("new"),), admin=True)
        self.assertEqual(authority.replace(config(changed)), ["user alpha: keys, tokens, admin changed"])
        self.assertEqual(authority.replace(config(changed)), [])

    def test_opened_and_closed(self) -> None:
        """
        That access becomes open or closed is told in words.
        """
        authority = Authority(config())
        self.assertTrue(authority.open_access)
        closed = authority.replace(config(ALPHA))
        self.assertIn("access is by users and rules now", closed)
        self.assertIn("access is open to everybody now", authority.replace(config()))

    def test_kept_on_error(self) -> None:
        """
        A configuration that cannot be used changes nothing.
        """
        authority = Authority(config(ALPHA, rules=RULE))
        bad = evolve(config(ALPHA), users=(evolve(ALPHA, keys=("ssh-ed25519 AAAA",)),))
        self.assertRaises(ConfigError, authority.replace, bad)
        self.assertTrue(self.may(authority, "alpha", Verb.WRITE))
        self.assertIsNotNone(authority.by_key(blob(KEY)))

    def test_not_opened_to_the_world(self) -> None:
        """
        Listeners are as they were at start: a reload that would leave an open one without users is refused, even if the new file
        speaks of loopback.
        """
        authority = Authority(config(ALPHA, rules=RULE, top='[http]\nlisten_addr = ":80"\n'))
        self.assertRaises(ConfigError, authority.replace, config(top='[http]\nlisten_addr = "127.0.0.1:80"\n'))
        self.assertFalse(authority.open_access)
        self.assertFalse(self.may(authority, None))

    def test_secrets(self) -> None:
        """
        The secrets of gRPC callers are replaced with the rest; what changed is told, what they are is not.
        """
        authority = Authority(config(top='[auth]\ntoken = "one-secret"\n'))
        callers = authority.callers
        self.assertEqual(callers.wanted.secrets, (b"one-secret",))
        changes = authority.replace(config(top='[auth]\ntoken = "two-secret"\nprevious_tokens = ["one-secret"]\n'))
        self.assertEqual(changes, ["gRPC callers: 2 tokens are accepted now"])
        self.assertIs(authority.callers, callers)
        self.assertEqual(callers.wanted.secrets, (b"two-secret", b"one-secret"))

    def test_secret_is_not_taken_away(self) -> None:
        """
        A reload that would leave an open gRPC listener without a secret is refused, and the old one holds.
        """
        authority = Authority(config(top='listen_addr = ":8075"\n[auth]\ntoken = "one-secret"\n'))
        self.assertRaises(ConfigError, authority.replace, config(top='listen_addr = "127.0.0.1:8075"\n'))
        self.assertEqual(authority.callers.wanted.secrets, (b"one-secret",))
