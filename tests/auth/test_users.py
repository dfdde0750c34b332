"""
Tests for :mod:`gitaly_tx.auth.users`.
"""

from __future__ import annotations

import base64

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.auth.tokens import hash_token
from gitaly_tx.auth.users import IUsers, Recognised, users_of
from gitaly_tx.config.load import parse
from gitaly_tx.config.model import User
from gitaly_tx.config.problems import ConfigError
from tests.support.sshkeys import blob, ecdsa_key, ed25519_key

ONE, TWO, STRANGER = (ed25519_key(f"key {seed}", seed) for seed in (1, 2, 3))

CONFIG = evolve(
    parse("", None),
    users=(
        User(name="alpha", keys=(ONE, TWO), tokens=(hash_token("alpha's"),), admin=True),
        User(name="beta", tokens=(hash_token("beta's"), hash_token("beta's other"))),
    ),
)


class UsersTests(SynchronousTestCase):
    """
    Somebody is recognised by a key or a token.
    """

    def setUp(self) -> None:
        self.users = users_of(CONFIG)

    def test_interface(self) -> None:
        """
        ``Users`` keeps its promise's form.
        """
        verifyObject(IUsers, self.users)
        self.assertEqual(self.users.names, {"alpha", "beta"})

    def test_key(self) -> None:
        """
        Each of a user's keys is theirs, and the proof names which; a stranger's key is nobody's.
        """
        for line in (ONE, TWO):
            found = self.users.by_key(blob(line))
            assert found is not None
            self.assertEqual((found.user, found.admin), ("alpha", True))
            self.assertRegex(found.proof, r"\Akey SHA256:[\w+/]{43}\Z")
        self.assertIsNone(self.users.by_key(blob(STRANGER)))
        self.assertIn("known to nobody", self.users.hint(blob(STRANGER)))

    def test_token(self) -> None:
        """
        A token is its owner's, under their name, under none, or under one that stands for none.
        """
        wanted = Recognised("beta", False, f"token {hash_token(chr(98) + 'eta' + chr(39) + 's')[7:15]}")
        for name in (None, "", "beta", "git", "oauth2", "x-access-token"):
            self.assertEqual(self.users.by_token("beta's", name), wanted, name)

    def test_foreign_name(self) -> None:
        """
        A token does not work under somebody else's name.
        """
        for name in ("alpha", "BETA", "beta ", "root"):
            self.assertIsNone(self.users.by_token("beta's", name), name)

    def test_wrong_token(self) -> None:
        """
        What is no token is nobody's, whatever the name.
        """
        for token in ("", "beta", hash_token("beta's")):
            for name in (None, "beta", "git"):
                self.assertIsNone(self.users.by_token(token, name))

    def test_admin(self) -> None:
        """
        Only users who are known and marked so are admins.
        """
        self.assertEqual([self.users.is_admin(name) for name in ("alpha", "beta", "gamma", None)], [True, False, False, False])

    def test_bad_numbers(self) -> None:
        """
        A key whose form is right and whose numbers are wrong is a mistake in the file, with its line.
        """
        good = ecdsa_key()
        raw = bytearray(blob(good))
        raw[-1] ^= 1
        line = f"{good.split()[0]} {base64.b64encode(raw).decode()}"
        config = parse(f'\n[[user]]\nname = "alpha"\nadmin = true\nkeys = ["{line}"]\n', None)
        with self.assertRaises(ConfigError) as caught:
            users_of(config)
        (problem,) = caught.exception.problems
        self.assertEqual((problem.line, problem.key), (5, "user[0].keys"))
