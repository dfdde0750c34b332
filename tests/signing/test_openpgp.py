"""
Tests for :mod:`gitaly_tx.signing.openpgp`.
"""

from __future__ import annotations

from functools import partial

from pysequoia import Cert, Sig, Tsk, verify
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.signing.interfaces import ISigningKey, UnusableKey
from gitaly_tx.signing.openpgp import OpenPGPKey
from tests.support.signingkeys import openpgp_key


def _only(certificate: Cert, ids: list[str]) -> list[Cert]:
    return [certificate]


class OpenPGPKeyTests(SynchronousTestCase):
    """
    ``OpenPGPKey``.
    """

    def test_signed(self) -> None:
        """
        Whoever has the public key can verify a signature; armoured and binary keys are the same.
        """
        for content in (openpgp_key(), bytes(Tsk.from_bytes(openpgp_key()))):
            key = OpenPGPKey.load(content)
            verifyObject(ISigningKey, key)
            signature = key.sign(b"data")
            self.assertTrue(signature.startswith(b"-----BEGIN PGP SIGNATURE-----\n"))
            self.assertTrue(signature.endswith(b"-----END PGP SIGNATURE-----\n"))
            public = Cert.from_bytes(key.public())
            self.assertFalse(public.has_secret_keys)
            checked = verify(b"data", store=partial(_only, public), signature=Sig.from_bytes(signature))
            self.assertTrue(checked.valid_sigs)

    def test_verified(self) -> None:
        """
        Only this key's signature, and about this data, is its own.
        """
        key = OpenPGPKey.load(openpgp_key())
        signature = key.sign(b"data")
        self.assertTrue(key.verifies(signature, b"data"))
        self.assertTrue(key.verifies(signature.rstrip(b"\n"), b"data"))
        self.assertFalse(key.verifies(signature, b"other"))
        other = OpenPGPKey.load(openpgp_key(1))
        for wrong in (other.sign(b"data"), b"", b"x", signature[:100]):
            self.assertFalse(key.verifies(wrong, b"data"))

    def test_unusable(self) -> None:
        """
        What has no secret key in it is refused in a few words.
        """
        public = OpenPGPKey.load(openpgp_key()).public()
        for content in (b"", b"x", public, openpgp_key()[:200]):
            error = self.assertRaises(UnusableKey, OpenPGPKey.load, content)
            self.assertTrue(error.why.startswith("not an OpenPGP key that signs without a passphrase: "), error.why)
            self.assertNotIn("\n", error.why)
        self.assertNotIn("PRIVATE", repr(OpenPGPKey.load(openpgp_key())))
