"""
Tests for :mod:`gitaly_tx.git.parse.tag`.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.parse.tag import split_signature

BLOCK = b"-----BEGIN PGP SIGNATURE-----\nabc\n-----END PGP SIGNATURE-----\n"


class SplitSignatureTests(SynchronousTestCase):
    """
    ``split_signature``.
    """

    def test_signed(self):
        """
        A signature begins with the first armour, and loses its last newline.
        """
        self.assertEqual(split_signature(b"object x\n\nm\n" + BLOCK), (b"object x\n\nm\n", BLOCK[:-1]))
        self.assertEqual(split_signature(BLOCK + b"\n"), (b"", BLOCK))

    @settings(max_examples=50, deadline=None)
    @given(st.binary(max_size=100))
    def test_anything(self, data: bytes):
        """
        What is not signed stays whole, and nothing is lost.
        """
        content, signature = split_signature(data)
        self.assertTrue(data.startswith(content + signature))
        if b"-----BEGIN" not in data:
            self.assertEqual((content, signature), (data, b""))
