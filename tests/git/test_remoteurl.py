"""
Tests for :mod:`gitaly_tx.git.remoteurl`.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.remoteurl import authorization, config_environment, resolved_address
from tests.support.git import git

PREFIX = "couldn't get curloptResolve config: "


class RemoteURLTests(SynchronousTestCase):
    """
    URLs of other servers.
    """

    def test_resolved(self) -> None:
        """
        A caller may have resolved the name already, for any URL of another server.
        """
        self.assertIsNone(resolved_address("https://example.org/a", ""))
        for url in ("https://e.org/a", "http://e.org:81/a", "git://e.org/a", "ssh://git@e.org:22/a", "git@e.org:a/b"):
            for address in ("1.2.3.4", "::1"):
                self.assertEqual(resolved_address(url, address), ip_address(address))

    def test_unresolvable(self) -> None:
        """
        What cannot be resolved is told in Gitaly's words.
        """
        for url, address, said in (
            ("https://e.org/a", "e.org", "resolved address has invalid IPv4/IPv6 address"),
            ("https://e.org:x/a", "1.2.3.4", "couldn't parse remoteURL"),
            ("ftp://e.org/a", "1.2.3.4", "unknown schema provided: ftp"),
            ("a/b", "1.2.3.4", "invalid protocol/URL encountered: a/b"),
            ("a/b:c", "1.2.3.4", "SSH URLs with '/' before colon are unsupported"),
        ):
            refused = self.assertRaises(GitalyError, resolved_address, url, address)
            self.assertEqual((refused.code, refused.message), (Code.INVALID_ARGUMENT, PREFIX + said))

    def test_environment(self) -> None:
        """
        git finds settings in the environment, whatever is in them.
        """
        settings = authorization("https://e.org/a?b=c", "Basic eA==")
        self.assertEqual(authorization("https://e.org/a", ""), ())
        variables: dict[str, Any] = dict(config_environment((*settings, ("remote.x.url", "y"))))
        self.assertEqual(git("config", "http.https://e.org/a?b=c.extraHeader", **variables), b"Authorization: Basic eA==\n")

    def test_bad_header(self) -> None:
        """
        A header cannot bring another one along.
        """
        refused = self.assertRaises(GitalyError, authorization, "https://e.org", "x\r\nEvil: y")
        self.assertEqual(refused.code, Code.INVALID_ARGUMENT)
