"""
Tests for :mod:`gitaly_tx.config.address`.
"""

from __future__ import annotations

from twisted.internet.endpoints import serverFromString
from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.config.address import BACKLOG, Address, parse_address


class AddressTests(SynchronousTestCase):
    """
    Addresses are HOST:PORT in many spellings.
    """

    def test_spellings(self) -> None:
        """
        Every spelling that Gitaly's files use is understood.
        """
        cases = {
            "127.0.0.1:8080": Address("127.0.0.1", 8080),
            "localhost:0": Address("localhost", 0),
            "LOCALHOST:1": Address("localhost", 1),
            ":8075": Address("", 8075),
            "[::1]:22": Address("::1", 22),
            "[0:0:0:0:0:0:0:1]:22": Address("::1", 22),
            "tcp://127.0.0.1:9999": Address("127.0.0.1", 9999),
            "tcp:0.0.0.0:1": Address("0.0.0.0", 1),
            "tls://git.example.com:443": Address("git.example.com", 443),
            " 127.0.0.1:65535 ": Address("127.0.0.1", 65535),
        }
        for text, address in cases.items():
            self.assertEqual(parse_address(text), address, text)

    def test_refused(self) -> None:
        """
        What is none is refused, and told why.
        """
        cases = {
            "8080": "not HOST:PORT",
            "localhost": "not HOST:PORT",
            "localhost:http": "not HOST:PORT",
            "localhost:": "not HOST:PORT",
            "localhost:99999": "at most 65535",
            "::1:22": "brackets",
            "[::1": "brackets",
            "[::x]:22": "not an IPv6",
            "[127.0.0.1]:22": "not an IPv6",
            "300.1.1.1:22": "not an IPv4",
            "10.1:22": "not an IPv4",
            "a b:22": "neither an address nor a name",
            "-x:22": "neither an address nor a name",
            "unix:/run/x": "path of a socket",
            "/run/x": "path of a socket",
            "http://x:80": "brackets",
        }
        for text, why in cases.items():
            with self.assertRaisesRegex(ValueError, why, msg=text):
                parse_address(text)

    def test_loopback(self) -> None:
        """
        Only addresses that nobody else can reach count as loopback; a name may mean anything.
        """
        for text in ("127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"):
            self.assertTrue(parse_address(text).loopback, text)
        for text in (":1", "0.0.0.0:1", "[::]:1", "10.0.0.1:1", "git.example.com:1", "localhost.example.com:1"):
            self.assertFalse(parse_address(text).loopback, text)

    def test_endpoint(self) -> None:
        """
        The endpoint string listens on the address that was written, and lets many wait there.
        """
        for text, port, interface in (
            ("127.0.0.1:8080", 8080, "127.0.0.1"),
            (":8081", 8081, ""),
            ("[::1]:8082", 8082, "::1"),
            ("localhost:8083", 8083, "localhost"),
        ):
            reactor = MemoryReactor()
            serverFromString(reactor, parse_address(text).endpoint).listen(None)
            found = reactor.tcpServers[0]
            self.assertEqual((found[0], found[2], found[3]), (port, BACKLOG, interface))

    def test_shown(self) -> None:
        """
        An address is printed as it is read, and the authority is one that can be connected to.
        """
        for text in ("127.0.0.1:8080", "[::1]:22", ":80", "localhost:1"):
            self.assertEqual(str(parse_address(text)), text)
        self.assertEqual(parse_address(":80").authority, "127.0.0.1:80")
        self.assertEqual(parse_address("0.0.0.0:80").authority, "127.0.0.1:80")
        self.assertEqual(parse_address("[::]:80").authority, "[::1]:80")
        self.assertEqual(parse_address("git.example.com:80").authority, "git.example.com:80")
