"""
Tests for :mod:`gitaly_tx.config.checkgitlab`.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from .test_check import complaints


class GitlabTests(SynchronousTestCase):
    """
    An application has a URL and a secret.
    """

    def setUp(self) -> None:
        self.root = os.path.abspath(self.mktemp())
        os.mkdir(self.root)

    def write(self, content: str, mode: int = 0o600) -> str:
        """
        A file with the secret.
        """
        path = os.path.join(self.root, "secret")
        with open(path, "w") as file:
            file.write(content)
        os.chmod(path, mode)
        return path

    def test_none(self) -> None:
        """
        Without a URL there is no application, and nothing else matters.
        """
        self.assertEqual(complaints('[gitlab]\nsecret_file = "/nowhere"'), [])
        self.assertEqual(complaints('[gitlab]\nurl = ""'), [])

    def test_good(self) -> None:
        """
        The three kinds of URL are no trouble, with the secret in either place.
        """
        path = self.write("x\n")
        for url in ("http://host", "https://host:8443/root", "http+unix://%2Frun%2Fs", "http://[::1]:1/"):
            self.assertEqual(complaints(f'[gitlab]\nurl = "{url}"\nsecret = "x"'), [])
            self.assertEqual(complaints(f'[gitlab]\nurl = "{url}"\nsecret_file = "{path}"'), [])

    def test_urls(self) -> None:
        """
        What leads nowhere is no URL.
        """
        for url in ("host", "ftp://host", "http://", "http://host:0", "http://host:x", "http://h?q", "http://h/#f", "http://h h",
                    "http+unix://", "http+unix://relative", "http://é"):  # fmt: skip
            found = complaints(f'[gitlab]\nurl = "{url}"\nsecret = "x"')
            self.assertEqual([key for key, _ in found], ["gitlab.url"], url)

    def test_secret(self) -> None:
        """
        There is a secret, in a file that can be read, has something in it, and is not for everybody.
        """
        text = '[gitlab]\nurl = "http://host"\n'
        ((_, found),) = complaints(text)
        self.assertIn("without a secret", found)
        ((_, found),) = complaints(f'{text}secret_file = "{self.root}/none"')
        self.assertIn("cannot be read: no such file", found)
        path = self.write(" \n")
        ((_, found),) = complaints(f'{text}secret_file = "{path}"')
        self.assertIn("is empty", found)
        path = self.write("x", 0o644)
        ((_, found),) = complaints(f'{text}secret_file = "{path}"')
        self.assertIn("everybody on this machine can read this secret", found)

    def test_authorities(self) -> None:
        """
        Certificates are a file or a directory.
        """
        text = '[gitlab]\nurl = "https://host"\nsecret = "x"\n[gitlab.http-settings]\n'
        path = self.write("x")
        self.assertEqual(complaints(f'{text}ca_file = "{path}"\nca_path = "{self.root}"'), [])
        found = complaints(f'{text}ca_file = "{self.root}"\nca_path = "{path}"')
        self.assertEqual([key for key, _ in found], ["gitlab.http-settings.ca_file", "gitlab.http-settings.ca_path"])
