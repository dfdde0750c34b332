"""
Tests for :mod:`gitaly_tx.auth.tokens`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.auth.tokens import TokenTable, hash_token, new_token


class TokenTests(SynchronousTestCase):
    """
    Tokens are long, random, and kept as hashes.
    """

    def test_new(self) -> None:
        """
        A token has 160 random bits, a recognisable beginning, and only characters that need no quoting anywhere.
        """
        asked: list[int] = []

        def random(count: int) -> bytes:
            asked.append(count)
            return bytes(range(count))

        self.assertEqual(new_token(random), "gtx_aaaqeayeaudaocajbifqydiob4ibceqt")
        self.assertEqual(asked, [20])
        self.assertEqual(len({new_token() for _ in range(100)}), 100)
        self.assertRegex(new_token(), r"\Agtx_[a-z2-7]{32}\Z")

    def test_hash(self) -> None:
        """
        The hash is plain SHA-256, so that anybody can make one with ``sha256sum``; any text has one.
        """
        self.assertEqual(hash_token("abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        self.assertEqual(len(hash_token("\udcff")), 71)

    def test_owner(self) -> None:
        """
        A token is found by itself, and by nothing else: not by its hash, not by a part.
        """
        table = TokenTable([(hash_token("one"), "alpha"), (hash_token("two"), "alpha"), (hash_token("three"), "beta")])
        self.assertEqual([table.owner(token) for token in ("one", "two", "three")], ["alpha", "alpha", "beta"])
        for wrong in ("", "on", "onee", "One", hash_token("one"), "\udcff"):
            self.assertIsNone(table.owner(wrong), wrong)
        self.assertEqual(len(table), 3)

    def test_empty(self) -> None:
        """
        A table without tokens knows nobody.
        """
        self.assertIsNone(TokenTable([]).owner(""))
