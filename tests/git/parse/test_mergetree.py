"""
Tests for :mod:`gitaly_tx.git.parse.mergetree`.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.parse.mergetree import Conflict, MergeTreeDecoder, Side

TREE, BASE, OURS, THEIRS = (digit * 40 for digit in (b"e", b"1", b"2", b"3"))

OUTPUT = [
    TREE,
    b"100644 " + BASE + b" 1\ta\tb\nc",
    b"100755 " + OURS + b" 2\ta\tb\nc",
    b"100644 " + THEIRS + b" 3\ta\tb\nc",
    b"160000 " + THEIRS + b" 3\tsub",
    b"",
    b"1",
    b"a",
    b"words",
]

EXPECTED = [
    Conflict(b"a\tb\nc", Side(0o100644, BASE), Side(0o100755, OURS), Side(0o100644, THEIRS)),
    Conflict(b"sub", theirs=Side(0o160000, THEIRS)),
]


class MergeTreeDecoderTests(SynchronousTestCase):
    """
    ``MergeTreeDecoder``
    """

    @settings(max_examples=20)
    @given(st.integers(0, len(OUTPUT)), st.booleans())
    def test_however_cut(self, cut, messages):
        """
        Sides are put together by path, with messages behind them or not.
        """
        output = OUTPUT if messages else OUTPUT[:5]
        decoder = MergeTreeDecoder()
        found = [*decoder.feed(output[:cut]), *decoder.feed(output[cut:]), *decoder.end()]
        self.assertEqual(found, EXPECTED)
        self.assertEqual(decoder.tree, TREE)

    def test_clean(self):
        """
        Without a conflict there is a tree.
        """
        decoder = MergeTreeDecoder()
        self.assertEqual([*decoder.feed([TREE]), *decoder.end()], [])
        self.assertEqual(decoder.tree, TREE)

    def test_broken(self):
        """
        What git does not print is refused.
        """
        for record in (b"x", b"100644 1 4\ta", b"10064x 1 1\ta", b"100644 1\ta"):
            with self.assertRaises(ValueError, msg=repr(record)):
                list(MergeTreeDecoder().feed([TREE, record]))
