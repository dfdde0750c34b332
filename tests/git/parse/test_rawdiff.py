"""
Tests for :mod:`gitaly_tx.git.parse.rawdiff`.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.parse.rawdiff import Change, RawDecoder

OLD, NEW, NONE = b"a" * 40, b"b" * 40, b"0" * 40

MODIFIED = Change(0o100644, 0o100755, OLD, NEW, b"M", 0, b"x", b"x")

PATHS = st.binary(min_size=1, max_size=8).filter(lambda path: b"\0" not in path)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """
    Any change.
    """
    status = draw(st.sampled_from([b"A", b"M", b"D", b"T", b"R", b"C"]))
    path = draw(PATHS)
    moved = status in (b"R", b"C")
    score = draw(st.integers(0, 100)) if moved else 0
    return Change(0o100644, 0o120000, OLD, NEW, status, score, draw(PATHS) if moved else path, path)


def printed(change: Change) -> list[bytes]:
    """
    As git prints it.
    """
    score = b"%03d" % change.score if change.status in (b"R", b"C") else b""
    head = b":%06o %06o %b %b %b%b" % (
        change.old_mode,
        change.new_mode,
        change.old_id,
        change.new_id,
        change.status,
        score,
    )
    return [head, change.old_path, change.path] if change.status in (b"R", b"C") else [head, change.path]


class RawDecoderTests(SynchronousTestCase):
    """
    ``RawDecoder``
    """

    @settings(max_examples=60)
    @given(st.lists(changes(), max_size=5), st.data())
    def test_however_cut(self, expected, data):
        """
        The changes are those that were printed, however the records come.
        """
        records = [record for change in expected for record in printed(change)]
        cut = data.draw(st.integers(0, len(records)))
        decoder = RawDecoder()
        self.assertEqual([*decoder.feed(records[:cut]), *decoder.feed(records[cut:])], expected)
        self.assertTrue(decoder.complete)

    def test_incomplete(self):
        """
        An entry without its path is seen to be missing it.
        """
        decoder = RawDecoder()
        self.assertEqual(list(decoder.feed(printed(MODIFIED)[:1])), [])
        self.assertFalse(decoder.complete)

    def test_broken(self):
        """
        What git does not print is refused.
        """
        head = printed(MODIFIED)[0]
        for record in (b"", b"x", head[1:], head + b" more", head[:-1], head.replace(b"100644", b"10064x"), head + b"x"):
            with self.assertRaises(ValueError, msg=repr(record)):
                list(RawDecoder().feed([record]))


class ChangeTests(SynchronousTestCase):
    """
    ``Change``
    """

    def test_halves(self):
        """
        A change of type is a deletion and an addition; anything else is one change.
        """
        self.assertEqual(MODIFIED.halves(), (MODIFIED,))
        typed = MODIFIED._replace(status=b"T", new_mode=0o120000)
        self.assertEqual(
            typed.halves(),
            (
                Change(0o100644, 0, OLD, NONE, b"D", 0, b"x", b"x"),
                Change(0, 0o120000, NONE, NEW, b"A", 0, b"x", b"x"),
            ),
        )
