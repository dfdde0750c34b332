"""
Tests for :mod:`gitaly_tx.git.quoting`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.quoting import quoted


class QuotingTests(SynchronousTestCase):
    """
    Quoted text looks as Go's ``%q`` makes it.
    """

    def test_plain(self):
        """
        Printable text is only put into quotes.
        """
        self.assertEqual(quoted("a b"), '"a b"')
        self.assertEqual(quoted("\u00e9"), '"\u00e9"')

    def test_named(self):
        """
        Characters that have an escape of their own get it.
        """
        self.assertEqual(quoted(b'\a\b\f\n\r\t\v"\\'), r'"\a\b\f\n\r\t\v\"\\"')

    def test_numbered(self):
        """
        Other characters that cannot be printed get their number, in as many digits as Go writes.
        """
        self.assertEqual(quoted(b"\0\x7f\x1b"), r'"\x00\x7f\x1b"')
        self.assertEqual(quoted("\u200b\u00a0\U000e0001"), r'"\u200b\u00a0\U000e0001"')

    def test_no_utf8(self):
        """
        Bytes that are no UTF-8 are shown one by one, however they came in.
        """
        self.assertEqual(quoted(b"a\xffb"), r'"a\xffb"')
        self.assertEqual(quoted("a\udcffb"), r'"a\xffb"')
