"""
Tests for :mod:`gitaly_tx.git.parse.rangediff`.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.parse.rangediff import Pair, RangeDiffDecoder

OLD, NEW, NONE = b"a" * 40, b"b" * 40, b"-" * 40

OUTPUT = [
    b" 9:  " + OLD + b" ! 10:  " + NEW + b" A subject with ! 1:  in it",
    b"    @@ Commit message",
    b"     ",
    b"    +1:  " + OLD + b" = 1:  " + NEW + b" not a pair",
    b" -:  " + NONE + b" > 11:  " + NEW + b" ",
    b"10:  " + OLD + b" <  -:  " + NONE + b" gone",
]

EXPECTED: list[Pair | bytes] = [
    Pair(OLD, b"!", NEW, b"A subject with ! 1:  in it"),
    b"@@ Commit message\n",
    b" \n",
    b"+1:  " + OLD + b" = 1:  " + NEW + b" not a pair\n",
    Pair(NONE, b">", NEW, b""),
    Pair(OLD, b"<", NONE, b"gone"),
]


class RangeDiffDecoderTests(SynchronousTestCase):
    """
    ``RangeDiffDecoder``
    """

    @settings(max_examples=20)
    @given(st.integers(0, len(OUTPUT)))
    def test_however_cut(self, cut):
        """
        Pairs and their patches are told apart, however the lines come.
        """
        decoder = RangeDiffDecoder()
        self.assertEqual([*decoder.feed(OUTPUT[:cut]), *decoder.feed(OUTPUT[cut:])], EXPECTED)

    def test_broken(self):
        """
        A patch before the first pair is refused, and so is a line that is neither.
        """
        for lines in ([b"    patch"], [OUTPUT[0], b"patch"], [OUTPUT[0], b""]):
            with self.assertRaises(ValueError):
                list(RangeDiffDecoder().feed(lines))
