"""
What ``git diff --numstat -z`` prints.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.parse.numstat import Counts, NumstatDecoder


class NumstatDecoderTests(SynchronousTestCase):
    """
    ``NumstatDecoder``
    """

    def test_files(self):
        """
        Files, binary ones and renamed ones; a path may hold anything.
        """
        records = [b"1\t2\ta\tb", b"-\t-\tlogo", b"3\t0\t", b"old", b"new", b"0\t0\t\n"]
        expected = [Counts(b"a\tb", b"", 1, 2), Counts(b"logo"), Counts(b"new", b"old", 3, 0), Counts(b"\n")]
        self.assertEqual(list(NumstatDecoder().feed(records)), expected)

    def test_in_parts(self):
        """
        It makes no difference where the records are parted.
        """
        decoder = NumstatDecoder()
        found = [list(decoder.feed([record])) for record in (b"3\t0\t", b"old", b"new")]
        self.assertEqual(found, [[], [], [Counts(b"new", b"old", 3, 0)]])

    def test_junk(self):
        """
        What git does not write is refused.
        """
        for record in (b"", b"1\t2", b"x\t2\ta", b"1\t-1\ta"):
            with self.assertRaises(ValueError):
                list(NumstatDecoder().feed([record]))
