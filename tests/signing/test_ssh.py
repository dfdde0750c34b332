"""
Tests for :mod:`gitaly_tx.signing.ssh`.
"""

from __future__ import annotations

import binascii
import os
import shutil
import subprocess
from unittest import skipIf

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.signing.interfaces import ISigningKey, UnusableKey
from gitaly_tx.signing.ssh import SSHKey
from tests.support.signingkeys import KINDS, ssh_key, ssh_keygen_accepts

with_openssh = skipIf(shutil.which("ssh-keygen") is None, "OpenSSH's client is not installed")

BEGIN, END = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----\n"


class SSHKeyTests(SynchronousTestCase):
    """
    ``SSHKey``.
    """

    @with_openssh
    def test_accepted(self) -> None:
        """
        ssh-keygen takes our signatures, and finds when the data is another.
        """
        for kind in KINDS:
            with self.subTest(kind=kind):
                key = SSHKey.load(ssh_key(kind))
                verifyObject(ISigningKey, key)
                signature = key.sign(b"data")
                self.assertTrue(signature.startswith(BEGIN) and signature.endswith(END))
                self.assertTrue(all(len(line) <= 70 for line in signature.splitlines()))
                self.assertTrue(ssh_keygen_accepts(self.mktemp(), key.public(), signature, b"data"))
                self.assertFalse(ssh_keygen_accepts(self.mktemp(), key.public(), signature, b"other"))

    @with_openssh
    def test_accepting(self) -> None:
        """
        We take ssh-keygen's signatures of either digest, and our own.
        """
        for kind in KINDS:
            key = SSHKey.load(ssh_key(kind))
            folder = self.mktemp()
            os.mkdir(folder, 0o700)
            with open(os.open(os.path.join(folder, "key"), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write(ssh_key(kind))
            for digest in ("sha256", "sha512"):
                words = ["-Y", "sign", "-f", "key", "-n", "git", "-O", f"hashalg={digest}"]
                made = subprocess.run(["ssh-keygen", *words], cwd=folder, input=b"data", capture_output=True, check=True)
                with self.subTest(kind=kind, digest=digest):
                    self.assertTrue(key.verifies(made.stdout, b"data"))
                    self.assertTrue(key.verifies(made.stdout.rstrip(b"\n"), b"data"))
                    self.assertFalse(key.verifies(made.stdout, b"other"))
            self.assertTrue(key.verifies(key.sign(b"data"), b"data"))

    def test_not_accepting(self) -> None:
        """
        Signatures of other keys, for other purposes, and nonsense are not ours.
        """
        key = SSHKey.load(ssh_key())
        blob = binascii.a2b_base64(b"".join(key.sign(b"data").splitlines()[1:-1]))
        for changed in (
            blob[:-1],
            blob + b"x",
            blob[:-1] + bytes([blob[-1] ^ 1]),
            b"x" + blob[1:],
            blob.replace(b"\0\0\0\3git", b"\0\0\0\3tig"),
            blob.replace(b"sha512", b"sha384"),
            blob.replace(b"\0\0\0\x0bssh-ed25519\0\0\0\x40", b"\0\0\0\x0bssh-ed25518\0\0\0\x40"),
            blob[:12],
            b"",
        ):
            with self.subTest(changed=changed):
                signature = BEGIN + binascii.b2a_base64(changed) + END
                self.assertFalse(key.verifies(signature, b"data"))
        for signature in (b"", BEGIN, BEGIN + b"!!\n" + END, BEGIN + b"A\n" + END, SSHKey.load(ssh_key(number=1)).sign(b"data")):
            self.assertFalse(key.verifies(signature, b"data"))
        for kind in ("rsa", "ecdsa-256"):
            other = SSHKey.load(ssh_key(kind))
            raw = binascii.a2b_base64(b"".join(other.sign(b"data").splitlines()[1:-1]))
            for name in (b"rsa-sha2-512", b"ecdsa-sha2-nistp256"):
                wrong = raw.replace(name + b"\0", b"x" * len(name) + b"\0", 2) if name == b"rsa-sha2-512" else raw
                if wrong != raw:
                    self.assertFalse(other.verifies(BEGIN + binascii.b2a_base64(wrong) + END, b"data"))

    def test_unusable(self) -> None:
        """
        Keys with a passphrase, of other kinds, and nonsense are refused in words.
        """
        for content in (b"", b"x", ssh_key(passphrase=b"secret"), ssh_key()[:-60] + b"\n"):
            error = self.assertRaises(UnusableKey, SSHKey.load, content)
            self.assertEqual(error.why, "not an OpenSSH private key without a passphrase")

    def test_public(self) -> None:
        """
        Users are shown a line for ``authorized_keys``; the private half is not in its representation.
        """
        key = SSHKey.load(ssh_key())
        self.assertRegex(key.public(), rb"\Assh-ed25519 [A-Za-z0-9+/=]+\n\Z")
        self.assertNotIn("Ed25519PrivateKey", repr(key))
