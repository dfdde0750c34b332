"""
Tests for :mod:`gitaly_tx.services.server.signature`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.services.server.signature import server_signature


class SignatureTests(SynchronousTestCase):
    """
    ``server_signature``.
    """

    def test_no_key(self):
        """
        Without a key the answer is empty.
        """
        self.assertEqual(server_signature(None).public_key, b"")

    def test_key(self):
        """
        With a key there is no answer yet, rather than a wrong one.
        """
        error = self.assertRaises(GitalyError, server_signature, "/etc/key")
        self.assertEqual(error.code, Code.UNIMPLEMENTED)
