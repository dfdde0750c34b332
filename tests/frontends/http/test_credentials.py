"""
Tests for HTTP credentials.
"""

from __future__ import annotations

import base64

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code
from gitaly_tx.frontends.http.credentials import BadCredentials, identify
from gitaly_tx.rpc.call import Identity
from tests.frontends.doors import KnownUsers


def basic(text: bytes) -> bytes:
    """
    An ``Authorization`` header.
    """
    return b"Basic " + base64.b64encode(text)


class IdentifyTests(SynchronousTestCase):
    """
    Credentials are somebody's, or nobody's, or wrong.
    """

    def test_none(self) -> None:
        """
        Without a header somebody is anonymous.
        """
        self.assertEqual(identify(None, KnownUsers()), Identity())

    def test_good(self) -> None:
        """
        The token is taken as password, as user name, and as bearer token.
        """
        for header in (basic(b"deploy:secret"), basic(b"git:secret"), basic(b"secret:"), b"Bearer secret", b"bEARER  secret"):
            self.assertEqual(identify(header, KnownUsers()), Identity("deploy", "token 0"), header)

    def test_bad(self) -> None:
        """
        Wrong credentials make nobody anonymous; they are refused, whatever is wrong with them.
        """
        for header in (
            basic(b"deploy:wrong"),
            basic(b"other:secret"),
            basic(b"nocolon"),
            basic(b"deploy:\xff\xfe"),
            b"Basic !!!",
            b"Digest x",
            b"Bearer ",
            b"",
            b"Basic " + b"x" * 9000,
        ):
            error = self.assertRaises(BadCredentials, identify, header, KnownUsers())
            self.assertIs(error.code, Code.UNAUTHENTICATED)
            self.assertNotIn("secret", str(error.facts))
