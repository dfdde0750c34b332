"""
Tests for :mod:`gitaly_tx.config.checkaccess`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.support.sshkeys import ed25519_key

from .test_check import complaints

HASH = "sha256:" + "0" * 64


def user(name: str, keys: tuple[str, ...] = (), tokens: tuple[str, ...] = (), admin: bool = True) -> str:
    """
    A ``[[user]]`` table.
    """
    quoted = [", ".join(f'"{one}"' for one in many) for many in (keys, tokens)]
    return f'[[user]]\nname = "{name}"\nadmin = {str(admin).lower()}\nkeys = [{quoted[0]}]\ntokens = [{quoted[1]}]\n'


def rule(repositories: str = "**", users: str = "@users", allow: str = "read") -> str:
    """
    A ``[[rule]]`` table.
    """
    return f'[[rule]]\nrepositories = ["{repositories}"]\nusers = ["{users}"]\nallow = "{allow}"\n'


class UserTests(SynchronousTestCase):
    """
    A key or a token says who somebody is, so it is one user's.
    """

    def test_good(self) -> None:
        """
        Users with keys, with tokens and with both are no trouble.
        """
        text = (
            user("alpha", (ed25519_key("x", 1), ed25519_key("y", 2)))
            + user("beta", (), (HASH,))
            + user("a.b-c_d+e@f", (ed25519_key("", 3),))
        )
        self.assertEqual(complaints(text), [])

    def test_names(self) -> None:
        """
        Names are there, are unique, and cannot be taken for a group.
        """
        for bad in ("", "@anyone", "a b", "a/b", "-x", "ä", "x" * 256, "a\\n"):
            self.assertIn("user[0].name", [key for key, _ in complaints(user(bad, (), (HASH,)))], bad)
        twice = user("alpha", (), (HASH,)) + user("alpha", (ed25519_key(),))
        self.assertEqual(complaints(twice), [("user[1].name", "there are two users called 'alpha'")])

    def test_shared(self) -> None:
        """
        A key or a token of two users is a mistake, also with another comment; twice with one user it is none.
        """
        shared = user("alpha", (ed25519_key("x"),)) + user("beta", (ed25519_key("y"),))
        self.assertEqual(complaints(shared), [("user[1].keys", "this key belongs to 'alpha' already")])
        shared = user("alpha", (), (HASH,)) + user("beta", (), (HASH,))
        self.assertEqual(complaints(shared), [("user[1].tokens[0]", "this token belongs to 'alpha' already")])
        self.assertEqual(complaints(user("alpha", (ed25519_key("x"), ed25519_key("y")), (HASH, HASH))), [])

    def test_plain_tokens(self) -> None:
        """
        A token that is not hashed is refused, and not repeated.
        """
        for bad in ("gtx_secret", "sha256:", "sha256:" + "0" * 63, "SHA256:" + "0" * 64, "sha256:" + "F" * 64):
            self.assertEqual(complaints(user("alpha", (), (bad,))), [("user[0].tokens[0]", "this is not a hashed token")])

    def test_useless(self) -> None:
        """
        Users who cannot come in, or who may do nothing, are pointed out.
        """
        self.assertEqual(complaints(user("alpha")), [("?user[0]", "'alpha' has neither a key nor a token")])
        powerless = user("alpha", (), (HASH,), admin=False)
        self.assertEqual(complaints(powerless), [("?user[0]", "no rule names 'alpha'")])
        self.assertEqual(complaints(powerless + rule()), [])
        self.assertEqual(complaints(powerless + rule(users="alpha")), [])
        self.assertEqual(complaints("anonymous_read = true\n" + powerless), [])


class RuleTests(SynchronousTestCase):
    """
    Rules say what they seem to say.
    """

    def test_good(self) -> None:
        """
        All verbs and groups are known.
        """
        for verb in ("read", "write", "create", "admin"):
            for name in ("@users", "@anyone"):
                self.assertEqual(complaints(rule("team/*", name, verb)), [])

    def test_mistakes(self) -> None:
        """
        Rules for nothing, for nobody, with unknown users, groups, verbs or patterns are refused.
        """
        cases = {
            rule(users="alpha"): ("rule[0].users[0]", "there is no user 'alpha'"),
            rule(users="@everybody"): ("rule[0].users[0]", "there is no user '@everybody'"),
            rule(allow="push"): ("rule[0].allow", '"push" is none of the known words'),
            rule(allow=""): ("rule[0].allow", "the rule allows nothing"),
            rule("a**"): ("rule[0].repositories[0]", "'a**': ** stands alone between slashes"),
            '[[rule]]\nusers = ["@users"]\nallow = "read"': ("rule[0].repositories", "the rule is for no repository"),
            '[[rule]]\nrepositories = ["**"]\nallow = "read"': ("rule[0].users", "the rule is for nobody"),
        }
        for text, problem in cases.items():
            self.assertEqual(complaints(text), [problem])
