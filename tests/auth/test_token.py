"""
Tests for :mod:`gitaly_tx.auth.token`: faults 1–11.
"""

from __future__ import annotations

import hashlib
import hmac

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.auth.token import VALIDITY, Shown, TokenRefused, check_any, check_authorization, issue_token
from gitaly_tx.errors import Code

SECRET = b"foo"
NOW = 1535671600


def signed(message: str, secret: bytes = SECRET) -> str:
    return f"v2.{hmac.new(secret, message.encode(), hashlib.sha256).hexdigest()}.{message}"


class IssueTests(SynchronousTestCase):
    """
    ``issue_token``.
    """

    def test_known_token(self):
        """
        The token is the one of the published example.
        """
        self.assertEqual(
            issue_token(b"foo", 1700000000.9),
            "v2.47a7abb78e6bd13bad31c3ebfb6de6f6e0c3726d2d1312120597ce3470b379a3.1700000000",
        )

    def test_own_tokens_are_good(self):
        """
        What is issued is accepted, and says when it was issued.
        """
        self.assertEqual(check_authorization(f"Bearer {issue_token(SECRET, NOW)}", SECRET, NOW), NOW)


class CheckTests(SynchronousTestCase):
    """
    ``check_authorization``.
    """

    def code(self, authorization: str, now: float = NOW) -> Code:
        error = self.assertRaises(TokenRefused, check_authorization, authorization, SECRET, now)
        texts = {Code.UNAUTHENTICATED: "authentication required", Code.PERMISSION_DENIED: "permission denied"}
        self.assertEqual(error.message, texts[error.code])
        self.assertNotIn(SECRET.decode(), str(error.facts))
        return error.code

    def test_no_token(self):
        """
        What is no token at all is UNAUTHENTICATED.
        """
        mac = "ab" * 32
        for authorization in (
            "",
            "Bearer",
            "Bearer ",
            "Bearer foo",
            "Bearer foo.bar",
            f"Basic v2.{mac}.{NOW}",
            f"v2.{mac}.{NOW}",
            f"Bearer v2.{mac}x.{NOW}",
            f"Bearer v2.{mac}zz.{NOW}",
            f"Bearer v2. {mac}.{NOW}",
            f"Bearer v2.{'é' * 64}.{NOW}",
            "Bearer v2." + "a" * 1_000_001 + f".{NOW}",
            f"Bearer v3.zz.{NOW}",
        ):
            self.assertEqual(self.code(authorization), Code.UNAUTHENTICATED, authorization[:80])

    def test_wrong_token(self):
        """
        A token with another version, another secret, another time's signature or an odd message is PERMISSION_DENIED.
        """
        right = signed(str(NOW))
        for token in (
            right.replace("v2.", "v3."),
            right.replace("v2.", "v1."),
            signed(str(NOW), b"bar"),
            signed(str(NOW - 1)).rpartition(".")[0] + f".{NOW}",
            f"v2..{NOW}",
            *(signed(message) for message in ("", "1e400", "NaN", " 1535671600", "1_535_671_600", "99999999999999999999", "-5")),
            signed("١٥٣٥٦٧١٦٠٠"),
            signed(f"{NOW}.0"),
        ):
            self.assertEqual(self.code(f"Bearer {token}"), Code.PERMISSION_DENIED, token)

    def test_window(self):
        """
        A token is good for thirty seconds before and after its time, bounds included.
        """
        for offset in (-VALIDITY, 0, VALIDITY):
            check_authorization(f"Bearer {signed(str(NOW + offset))}", SECRET, NOW + 0.9)
        for offset in (-VALIDITY - 1, VALIDITY + 1):
            self.assertEqual(self.code(f"Bearer {signed(str(NOW + offset))}"), Code.PERMISSION_DENIED)

    def test_spelling(self):
        """
        The scheme and the hexadecimal digits may be in upper case.
        """
        version, mac, message = signed(str(NOW)).split(".")
        check_authorization(f"bEARER {version}.{mac.upper()}.{message}", SECRET, NOW)

    def test_several_secrets(self):
        """
        Any of several secrets will do, and all are tried; without any, no token is good.
        """
        tried = []
        digest = hmac.digest

        def counted(secret, *more):
            tried.append(secret)
            return digest(secret, *more)

        self.patch(hmac, "digest", counted)
        for number, secret in enumerate((b"one", b"two")):
            shown = check_any(f"Bearer {signed(str(NOW), secret)}", (b"one", b"two"), NOW)
            self.assertEqual(shown, Shown(NOW, number))
        self.assertEqual(tried, [b"one", b"two"] * 2)
        self.assertRaises(TokenRefused, check_any, f"Bearer {signed(str(NOW))}", (), NOW)
