"""
Tests for :mod:`gitaly_tx.git.remoteurl`.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.remoteurl import Remote, authorization, check_remote_url, config_environment, resolved_remote
from tests.support.git import git

PREFIX = "couldn't get curloptResolve config: "


class RemoteURLTests(SynchronousTestCase):
    """
    URLs of other servers.
    """

    def test_elsewhere(self) -> None:
        """
        What leads to another server is fine.
        """
        for url in (
            "https://example.org/a.git",
            "http://u:p@example.org:8080/a",
            "git://example.org/a",
            "ssh://git@example.org/a",
            "git@example.org:a/b.git",
            "example.org:a",
            "[::1]:a",
        ):
            check_remote_url(url)

    def test_here(self) -> None:
        """
        Paths of this machine, git's helpers and broken lines are refused (faults 105 to 108).
        """
        for url in (
            "/srv/other.git",
            "../other.git",
            "./a:b",
            "file:///srv/other.git",
            "ext::sh -c id",
            "fd::17/foo",
            "--upload-pack=id",
            "ftp://example.org/a",
            "https://example.org/a\n",
            "git@example.org:a\0b",
            "a/b:c",
            "",
        ):
            refused = self.assertRaises(GitalyError, check_remote_url, url)
            self.assertEqual((refused.code, refused.message), (Code.INVALID_ARGUMENT, "remote URL not supported"))

    def test_resolved(self) -> None:
        """
        A name that is resolved already is not resolved again: by a setting where git connects itself, in the URL for SSH.
        """
        for url, address, expected in (
            ("https://example.org/a", "", Remote("https://example.org/a")),
            ("https://e.org/a", "1.2.3.4", Remote("https://e.org/a", (("http.curloptResolve", "e.org:443:1.2.3.4"),))),
            ("http://e.org:81/a", "::1", Remote("http://e.org:81/a", (("http.curloptResolve", "e.org:81:::1"),))),
            ("git://e.org/a", "1.2.3.4", Remote("git://e.org/a", (("http.curloptResolve", "e.org:9418:1.2.3.4"),))),
            ("ssh://git@e.org:22/a", "1.2.3.4", Remote("ssh://git@1.2.3.4/a")),
            ("ssh://e.org/a", "::1", Remote("ssh://[::1]/a")),
            ("git@e.org:a/b", "1.2.3.4", Remote("git@1.2.3.4:a/b")),
        ):
            self.assertEqual(resolved_remote(url, address), expected)

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
            refused = self.assertRaises(GitalyError, resolved_remote, url, address)
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
