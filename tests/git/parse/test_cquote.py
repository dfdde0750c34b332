"""
Tests for :mod:`gitaly_tx.git.parse.cquote`.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.parse.cquote import unquoted


class UnquotedTests(SynchronousTestCase):
    """
    ``unquoted``
    """

    def test_quoted(self) -> None:
        """
        Letters and octal numbers after a backslash are what git means by them.
        """
        self.assertEqual(unquoted(b'"a\\tb\\"\\\\\\303\\274" rest'), (b'a\tb"\\\xc3\xbc', b" rest"))
        self.assertEqual(unquoted(b'""'), (b"", b""))

    def test_not_quoted(self) -> None:
        """
        What git would not take is refused.
        """
        for text in (b"", b"a", b'"a', b'"\\x"', b'"\\8"', b'"\\400"', b'"\\07"'):
            self.assertIsNone(unquoted(text))

    @given(st.binary(max_size=30))
    def test_octal(self, text: bytes) -> None:
        """
        Any bytes can be quoted as numbers.
        """
        self.assertEqual(unquoted(b'"' + b"".join(b"\\%03o" % byte for byte in text) + b'"x'), (text, b"x"))
