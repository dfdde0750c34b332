"""
Tests for :mod:`gitaly_tx.services.server.signature`.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.services.server.signature import server_signature
from gitaly_tx.signing.system import UNSIGNED, Signing, parse
from tests.support.signingkeys import openpgp_key, ssh_key
from tests.support.threads import ParkedThreads


class SignatureTests(SynchronousTestCase):
    """
    ``server_signature``.
    """

    def shown(self, signing: Signing) -> bytes:
        """
        What users are shown.
        """
        threads = ParkedThreads()
        asking = Deferred.fromCoroutine(server_signature(signing, threads))
        threads.all()
        return bytes(self.successResultOf(asking).public_key)

    def test_keys(self):
        """
        The public half of the key; nothing without one, nor of earlier ones.
        """
        self.assertEqual(self.shown(UNSIGNED), b"")
        self.assertTrue(self.shown(Signing(parse(ssh_key()))).startswith(b"ssh-ed25519 "))
        self.assertTrue(self.shown(Signing(parse(openpgp_key()))).startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n"))
        self.assertEqual(self.shown(Signing(None, [parse(ssh_key())])), b"")
