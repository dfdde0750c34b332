"""
Tests for :mod:`gitaly_tx.observability.redact`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.auth.tokens import new_token
from gitaly_tx.observability.redact import Redactor, escaped, is_secret_name


class RedactorTests(SynchronousTestCase):
    """
    Secrets are blanked out wherever they stand.
    """

    def test_shapes(self) -> None:
        """
        What looks like a secret is blanked out, and what is around it stays.
        """
        token = new_token()
        v2 = f"v2.{'0' * 64}.1700000000"
        cases = {
            "clone https://user:pa%0ass@host/x": "clone https://[redacted]@host/x",
            "ssh://git@host/x": "ssh://[redacted]@host/x",
            "Authorization: Bearer abcdef, more": "Authorization: Bearer [redacted], more",
            "authorization: basic dTpw": "authorization: basic [redacted]",
            f"it was {token}!": "it was [redacted]!",
            f"x {v2} y": "x [redacted] y",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\nrest": "[redacted]\nrest",
            "-----BEGIN PRIVATE KEY-----\nabc": "[redacted]",
        }
        for text, shown in cases.items():
            self.assertEqual(Redactor().text(text), shown)

    def test_harmless(self) -> None:
        """
        Everyday texts stay as they are.
        """
        for text in ("team/thing@main", "https://host/a@b", "user@host", "refs/heads/basic", "a://b c@d", "gtx_short", "v2.1.3"):
            self.assertEqual(Redactor().text(text), text)

    def test_known(self) -> None:
        """
        Known secrets are blanked out as they are, the longer before the shorter; very short ones are not.
        """
        redactor = Redactor(["s3cret+", "s3cret+longer", "abc", ""])
        self.assertEqual(redactor.text("xs3cret+y s3cret+longer abc"), "x[redacted]y [redacted] abc")

    def test_names(self) -> None:
        """
        Fields are secret by the last part of their name.
        """
        for name in ("token", "auth.token", "password", "gitlab_secret", "Authorization", "set-cookie", "tokens", "private_key"):
            self.assertTrue(is_secret_name(name), name)
        for name in ("tokenizer", "token_count", "user", "secret_file", "grpc.code", "key"):
            self.assertFalse(is_secret_name(name), name)


class EscapedTests(SynchronousTestCase):
    """
    A text cannot do anything to who shows it.
    """

    def test_escaped(self) -> None:
        """
        Control characters, direction marks and broken characters are written as escapes; letters of all scripts stay.
        """
        self.assertEqual(
            escaped("a\x1b[31m\r\n\x7f\x9b\u2028\u202e\ud800"), r"a\u001b[31m\u000d\u000a\u007f\u009b\u2028\u202e\ud800"
        )
        self.assertEqual(escaped("größer 漢字 é"), "größer 漢字 é")
