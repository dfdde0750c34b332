"""
Tests for :mod:`gitaly_tx.auth.keys`.
"""

from __future__ import annotations

import base64

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.auth.keys import KeyRing, KeyUnusable, PublicKey, fingerprint, key_kind, parse_key
from tests.support.sshkeys import blob, ecdsa_key, ed25519_key, rsa_key


class ParseTests(SynchronousTestCase):
    """
    A line becomes a key.
    """

    def test_kinds(self) -> None:
        """
        The blob is what the client sends on the wire; the comment is everything behind it.
        """
        for line, kind in (
            (ed25519_key("alpha on laptop"), "ssh-ed25519"),
            (rsa_key(comment="alpha on laptop"), "ssh-rsa"),
            (ecdsa_key("alpha on laptop"), "ecdsa-sha2-nistp256"),
        ):
            self.assertEqual(parse_key(line), PublicKey(blob(line), kind, "alpha on laptop"))
        self.assertEqual(parse_key(ed25519_key()).comment, "")

    def test_refused(self) -> None:
        """
        What is no key, or a point on no curve, is refused.
        """
        good = ecdsa_key()
        raw = bytearray(blob(good))
        raw[-1] ^= 1
        off_the_curve = f"{good.split()[0]} {base64.b64encode(raw).decode()}"
        for line in ("", "hello", "ssh-ed25519 AAAA", off_the_curve, ed25519_key()[:50]):
            with self.assertRaises(KeyUnusable, msg=line):
                parse_key(line)

    def test_fingerprint(self) -> None:
        """
        A fingerprint is what ``ssh-keygen -l`` prints.
        """
        line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
        self.assertEqual(parse_key(line).fingerprint, "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU")
        self.assertEqual(fingerprint(blob(line)), parse_key(line).fingerprint)

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=100))
    def test_any_blob(self, junk: bytes) -> None:
        """
        Anything at all that a stranger sends can be named in the log.
        """
        self.assertTrue(fingerprint(junk).startswith("SHA256:"))
        self.assertLessEqual(len(key_kind(junk)), 64)


class KeyRingTests(SynchronousTestCase):
    """
    A ring knows whose key it is.
    """

    def setUp(self) -> None:
        self.lines = [ed25519_key(f"key {seed}", seed) for seed in range(1, 7)]
        owners = ["alpha", "alpha", "beta", "beta", "beta"]
        self.ring = KeyRing((parse_key(line), owner) for line, owner in zip(self.lines, owners, strict=False))

    def test_owner(self) -> None:
        """
        Every key of every user is found, and a stranger's is nobody's.
        """
        self.assertEqual([self.ring.owner(blob(line)) for line in self.lines], ["alpha", "alpha", "beta", "beta", "beta", None])
        self.assertEqual(len(self.ring), 5)
        self.assertIsNone(self.ring.owner(b""))

    def test_twice(self) -> None:
        """
        A key that comes twice stays its first owner's.
        """
        ring = KeyRing([(parse_key(self.lines[0]), "alpha"), (parse_key(self.lines[0]), "beta")])
        self.assertEqual(ring.owner(blob(self.lines[0])), "alpha")

    def test_hint(self) -> None:
        """
        The log names the refused key, and a few of the same type with their owners.
        """
        stranger = blob(self.lines[5])
        hint = self.ring.hint(stranger)
        self.assertTrue(
            hint.startswith(f"offered {fingerprint(stranger)} (ssh-ed25519), known to nobody; similar: alpha SHA256:"), hint
        )
        self.assertIn("(key 1)", hint)
        self.assertTrue(hint.endswith("; and 2 more"), hint)
        self.assertEqual(hint.count("SHA256:"), 4)

    def test_hint_without_similar(self) -> None:
        """
        If no key is of the same type, none is shown.
        """
        self.assertTrue(self.ring.hint(blob(ecdsa_key())).endswith("known to nobody; similar: none"))
