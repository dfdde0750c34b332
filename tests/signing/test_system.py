"""
Tests for :mod:`gitaly_tx.signing.system`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.signing.system import UNSIGNED, load, parse
from tests.support.signingkeys import openpgp_key, ssh_key


class LoadTests(SynchronousTestCase):
    """
    ``load``.
    """

    def key_file(self, content: bytes) -> str:
        """
        A file with a key.
        """
        path = self.mktemp()
        with open(path, "wb") as file:
            file.write(content)
        return path

    def test_loaded(self) -> None:
        """
        Keys of both kinds sign, and verify what earlier ones have signed.
        """
        earlier = parse(ssh_key(number=1))
        for content in (ssh_key(), openpgp_key()):
            signing = load(self.key_file(content), [self.key_file(ssh_key(number=1))], "Server", "server@example.org")
            assert signing.key is not None
            self.assertEqual(signing.committer, (b"Server", b"server@example.org"))
            self.assertTrue(signing.verifies(signing.key.sign(b"data"), b"data"))
            self.assertTrue(signing.verifies(earlier.sign(b"data"), b"data"))
            self.assertFalse(signing.verifies(parse(ssh_key(number=2)).sign(b"data"), b"data"))
            self.assertEqual(signing.public(), signing.key.public())

    def test_nothing(self) -> None:
        """
        Without a key nothing is signed; half a committer is none.
        """
        self.assertEqual(load(""), UNSIGNED)
        self.assertEqual(UNSIGNED.public(), b"")
        self.assertFalse(UNSIGNED.verifies(b"", b""))
        self.assertIsNone(load("", [], "Server").committer)
        self.assertIsNone(load("", [], "", "server@example.org").committer)

    def test_unusable(self) -> None:
        """
        A key that cannot be used is told with its setting and its file.
        """
        missing = self.mktemp()
        large = self.key_file(b"x" * (1 << 20) + b"x")
        locked = self.key_file(ssh_key(passphrase=b"secret"))
        for path, why in (
            (missing, "No such file or directory"),
            (large, "too large"),
            (locked, "not an OpenSSH private key without a passphrase"),
        ):
            error = self.assertRaises(GitalyError, load, path)
            self.assertEqual((error.code, error.message), (Code.FAILED_PRECONDITION, f"[git] signing_key: {path}: {why}"))
        error = self.assertRaises(GitalyError, load, "", [missing])
        self.assertEqual(error.message, f"[git] rotated_signing_keys: {missing}: No such file or directory")
