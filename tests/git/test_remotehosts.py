"""
Tests for :mod:`gitaly_tx.git.remotehosts`.
"""

from __future__ import annotations

from ipaddress import ip_address

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code
from gitaly_tx.git.remotehosts import RemoteHost, RemoteRefused, basic, is_public, remote_host


class RemoteHostTests(SynchronousTestCase):
    """
    Where a URL leads to.
    """

    def test_taken_apart(self) -> None:
        """
        URLs and ssh's short form name a host and a port; credentials of HTTP are no part of the URL that is used.
        """
        for url, expected in (
            ("https://e.org/a.git", RemoteHost("https://e.org/a.git", "https", "e.org", 443)),
            ("HTTP://e.org:81", RemoteHost("HTTP://e.org:81", "http", "e.org", 81)),
            ("http://u%40x:p%3A%2f@e.org/a", RemoteHost("http://e.org/a", "http", "e.org", 80, b"u@x:p:/")),
            ("http://u@[::1]:8/a", RemoteHost("http://[::1]:8/a", "http", "::1", 8, b"u")),
            ("http://@e.org/a", RemoteHost("http://e.org/a", "http", "e.org", 80)),
            ("git://e.org/a?b=c#d", RemoteHost("git://e.org/a?b=c#d", "git", "e.org", 9418)),
            ("ssh://git@e.org:2222/~/a", RemoteHost("ssh://git@e.org:2222/~/a", "ssh", "e.org", 2222)),
            ("git+ssh://e.org/a", RemoteHost("git+ssh://e.org/a", "git+ssh", "e.org", 22)),
            ("git@e.org:a/b.git", RemoteHost("git@e.org:a/b.git", "ssh", "e.org", 22)),
            ("e.org:/a", RemoteHost("e.org:/a", "ssh", "e.org", 22)),
            ("git@[0::1]:a", RemoteHost("git@[0::1]:a", "ssh", "::1", 22)),
        ):
            self.assertEqual(remote_host(url), expected)

    def test_refused(self) -> None:
        """
        Paths of this machine, git's helpers, and all that git, curl and we might not understand alike are refused (faults 105 to
        109, 121).
        """
        for url in (
            "",
            "/srv/other.git",
            "../other.git",
            "./a:b",
            "a/b:c",
            "file:///srv/other.git",
            "ext::sh -c id",
            "ext::sh%20-c%20id",
            "fd::17/foo",
            "http::http://e.org/",
            "ftp://e.org/a",
            "http+unix://e.org/a",
            "--upload-pack=id",
            "-x@e.org:a",
            "ssh://-oProxyCommand=id/x",
            "-oProxyCommand=id:x",
            "ssh://-oX@e.org/x",
            "ssh://u:secret@e.org/x",
            "git://u@e.org/x",
            "http://e.org/a\n",
            "http://e.org/a b",
            "git@e.org:a\0b",
            "http://a@b@e.org/",
            "http://good#@evil/",
            "http://good?@evil/",
            "http://good\\@evil/",
            "http://127.0.0.%31/",
            "http://e.org:x/",
            "http://e.org:0/",
            "http://e.org:65536/",
            "http:///a",
            "http://[::1/a",
            "http://[1.2.3]/a",
            "http://ｅ.org/a",
            "http://u:pa%0ass@h/",
            "http://u:pa%00ss@h/",
        ):
            refused = self.assertRaises(RemoteRefused, remote_host, url)
            self.assertEqual((refused.code, refused.message), (Code.INVALID_ARGUMENT, "remote URL not supported"))

    def test_at(self) -> None:
        """
        An address can take the place of the host; nothing else changes.
        """
        for url, address, expected in (
            ("ssh://git@e.org:22/a", "1.2.3.4", "ssh://git@1.2.3.4:22/a"),
            ("git://e.org/e.org", "::1", "git://[::1]/e.org"),
            ("git@e.org:e.org", "1.2.3.4", "git@1.2.3.4:e.org"),
            ("e.org:a", "::1", "[::1]:a"),
        ):
            self.assertEqual(remote_host(url).at(ip_address(address)), expected)

    def test_literal(self) -> None:
        """
        Some hosts are addresses; what only a resolver takes for one is a name.
        """
        self.assertEqual(remote_host("http://1.2.3.4/").literal, ip_address("1.2.3.4"))
        for name in ("127.1", "0177.0.0.1", "2130706433", "e.org"):
            self.assertIsNone(remote_host(f"http://{name}/").literal)

    def test_basic(self) -> None:
        """
        Credentials become a header's value.
        """
        self.assertEqual(basic(b"user:password"), "Basic dXNlcjpwYXNzd29yZA==")


class PublicTests(SynchronousTestCase):
    """
    Addresses of the public internet.
    """

    def test_public(self) -> None:
        """
        Most are.
        """
        for address in ("1.2.3.4", "8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"):
            self.assertTrue(is_public(ip_address(address)), address)

    def test_not_public(self) -> None:
        """
        Addresses of this machine, of private networks and links, and those that only lead there, are not (faults 110 to 118).
        """
        for address in (
            "127.0.0.1",
            "127.255.0.1",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
        ):
            self.assertFalse(is_public(ip_address(address)), address)
