"""
Tests for :mod:`gitaly_tx.git.parse.changedpaths`.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.parse.changedpaths import ChangedPathsDecoder, ChangeOf
from gitaly_tx.git.parse.rawdiff import Change

FIRST, SECOND, RESULT, COMMIT = (digit * 40 for digit in (b"1", b"2", b"3", b"c"))

OUTPUT = [
    COMMIT,
    b":100644 100755 " + FIRST + b" " + RESULT + b" M",
    b"some\npath",
    b":100644 100644 " + FIRST + b" " + FIRST + b" R087",
    b"old",
    b"new",
    FIRST + b" " + SECOND + b"\n:000000 120000 " + b"0" * 40 + b" " + RESULT + b" A",
    b":link",
]

EXPECTED = [
    ChangeOf(COMMIT, Change(0o100644, 0o100755, FIRST, RESULT, b"M", 0, b"some\npath", b"some\npath")),
    ChangeOf(COMMIT, Change(0o100644, 0o100644, FIRST, FIRST, b"R", 87, b"old", b"new")),
    ChangeOf(b"", Change(0, 0o120000, b"0" * 40, RESULT, b"A", 0, b":link", b":link")),
]


class ChangedPathsDecoderTests(SynchronousTestCase):
    """
    ``ChangedPathsDecoder``
    """

    @settings(max_examples=20)
    @given(st.integers(0, len(OUTPUT)))
    def test_however_cut(self, cut):
        """
        Commits and pairs of trees are told apart, however the records come.
        """
        decoder = ChangedPathsDecoder()
        self.assertEqual([*decoder.feed(OUTPUT[:cut]), *decoder.feed(OUTPUT[cut:])], EXPECTED)

    def test_trees_without_changes(self):
        """
        The ids of trees that are the same stand alone, or before those of the next ones.
        """
        same = FIRST + b" " + FIRST + b"\n"
        found = list(ChangedPathsDecoder().feed([same + OUTPUT[6], OUTPUT[7], same]))
        self.assertEqual(found, EXPECTED[2:])

    def test_several_sources(self):
        """
        An entry with several sources is a change for each of them.
        """
        entry = b"::100644 100755 100644 " + FIRST + b" " + SECOND + b" " + RESULT + b" MR"
        expected = [
            ChangeOf(COMMIT, Change(0o100644, 0o100644, FIRST, RESULT, b"M", 0, b"new", b"new")),
            ChangeOf(COMMIT, Change(0o100755, 0o100644, SECOND, RESULT, b"R", 0, b"old", b"new")),
        ]
        self.assertEqual(list(ChangedPathsDecoder(all_paths=True).feed([COMMIT, entry, b"new", b"old", b"new"])), expected)
        (_, without) = ChangedPathsDecoder().feed([COMMIT, entry, b"new"])
        self.assertEqual(without.change.old_path, b"new")

    def test_broken(self):
        """
        What git does not print is refused.
        """
        for entry in (b":", b":100644 M", OUTPUT[1] + b" x", b"::100644 100644 100644 a b c M", b"::1 1 1 a b c MMM"):
            with self.assertRaises(ValueError, msg=repr(entry)):
                list(ChangedPathsDecoder().feed([entry, b"path"]))
