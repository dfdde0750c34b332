"""
Tests for :mod:`gitaly_tx.config.publickeys`.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.config.kinds import Wrong
from gitaly_tx.config.publickeys import checked_key, read_keys
from tests.support.sshkeys import ecdsa_key, ed25519_key, rsa_key


class KeyTextTests(SynchronousTestCase):
    """
    A key is one line as in a ``.pub`` file.
    """

    def test_kinds(self) -> None:
        """
        Keys of all usual types are taken, with and without a comment.
        """
        for line in (ed25519_key(), ed25519_key("alpha@laptop"), rsa_key(), ecdsa_key("a b c")):
            self.assertEqual(read_keys(f" {line}\n", "/"), [line])

    def test_security_key(self) -> None:
        """
        Keys that live in a security key are taken.
        """
        line = (
            "sk-ssh-ed25519@openssh.com "
            "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gAAAABHNzaDo= alpha"
        )
        self.assertEqual(checked_key(line), line)

    def test_refused(self) -> None:
        """
        Everything else is refused with its reason.
        """
        good = ed25519_key("x")
        cases = {
            "": "cannot be empty",
            "ssh-dss AAAA x": "DSA keys are broken",
            "ssh-ed25519-cert-v01@openssh.com AAAA x": "certificates",
            "ssh-foo AAAA": "'ssh-foo' is not a type of key",
            f"restrict,pty {good}": "options in front",
            "ssh-ed25519 AAAA": "cut off or garbled",
            "ssh-ed25519 !!!!": "cut off or garbled",
            f"{good.split()[0]} {good.split()[1][:20]}": "cut off or garbled",
            good.replace("ssh-ed25519", "ssh-rsa", 1): "the key says that it is 'ssh-ed25519', not 'ssh-rsa'",
            rsa_key(1024): "an RSA key of 1024 bits is too weak",
            "ssh-rsa AAAAB3NzaC1yc2E= x": "cut off or garbled",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nx": "this is a private key",
        }
        for text, why in cases.items():
            with self.assertRaises(Wrong, msg=text) as caught:
                read_keys(text, "/")
            self.assertIn(why, caught.exception.what)
            self.assertTrue(caught.exception.cure)


class KeyFileTests(SynchronousTestCase):
    """
    Instead of a key there may be the path of a file with keys.
    """

    def setUp(self) -> None:
        self.directory = os.path.abspath(self.mktemp())
        os.mkdir(self.directory)

    def write(self, name: str, text: str) -> str:
        with open(os.path.join(self.directory, name), "w") as file:
            file.write(text)
        return name

    def test_file(self) -> None:
        """
        Every line of the file is a key, but for comments and empty lines; the path may have blanks if it looks like one.
        """
        one, two = ed25519_key("x", 1), ed25519_key("y", 2)
        name = self.write("keys with blanks.pub", f"# c\n\n{one}\r\n  {two}\n")
        self.assertEqual(read_keys(f"./{name}", self.directory), [one, two])
        self.assertEqual(read_keys(os.path.join(self.directory, name), "/"), [one, two])

    def test_refused(self) -> None:
        """
        A file that is not there, holds no keys, or holds the wrong half of one is told so.
        """
        cases = {
            "none.pub": "no such file or directory",
            self.write("empty.pub", "# nothing\n"): "holds no key",
            self.write("id", "-----BEGIN OPENSSH PRIVATE KEY-----\n"): "is not a file of public keys",
            self.write("large", "# \n" * 40_000): "is not a file of public keys",
            self.write("bad.pub", "hello world\n"): "is not a type of key",
            ".": "is a directory",
        }
        for name, why in cases.items():
            with self.assertRaises(Wrong, msg=name) as caught:
                read_keys(name, self.directory)
            self.assertIn(why, caught.exception.what)
