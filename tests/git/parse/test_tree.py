"""
Tree objects.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.errors import ObjectCorrupt
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.git.parse.tree import TreeEntry, entries, entry, line, listed, placed

MODES = st.sampled_from([0o100644, 0o100755, 0o100664, 0o120000, 0o040000, 0o160000])
NAMES = st.binary(min_size=1, max_size=9).map(lambda name: name.replace(b"\0", b"x").replace(b"/", b"y"))


def trees(length: int) -> st.SearchStrategy[list[TreeEntry]]:
    """
    Entries with ids of a length in bytes.
    """
    ids = st.binary(min_size=length, max_size=length).map(lambda raw: ObjectID(raw.hex()))
    return st.lists(st.builds(TreeEntry, MODES, NAMES, ids), max_size=8, unique_by=lambda found: found.name)


def written(found: list[TreeEntry]) -> bytes:
    """
    A tree object.
    """
    return b"".join(map(line, found))


class TreeTests(SynchronousTestCase):
    """
    ``entries`` and ``entry``
    """

    @settings(max_examples=100)
    @given(st.sampled_from([20, 32]).flatmap(lambda length: st.tuples(st.just(length), trees(length))))
    def test_round_trip(self, case: tuple[int, list[TreeEntry]]):
        """
        Whatever is in names and ids, the entries are found again, one after the other and by name.
        """
        length, expected = case
        oid = ObjectID("0" * length * 2)
        data = written(expected)
        self.assertEqual(list(entries(oid, data)), expected)
        self.assertEqual(listed(oid, data), expected)
        for each in expected:
            self.assertEqual(entry(oid, data, each.name), each)
            found = placed(oid, data, each.name)
            assert found is not None
            self.assertEqual(data[found[1] : found[2]], line(each))
        self.assertIsNone(entry(oid, data, b"not there at all"))

    def test_kinds(self):
        """
        The mode tells what an entry is.
        """
        for mode, type in (
            (0o040000, b"tree"),
            (0o160000, b"commit"),
            (0o100644, b"blob"),
            (0o120000, b"blob"),
            (0o100600, b"blob"),
        ):
            self.assertEqual(TreeEntry(mode, b"x", ObjectID("0" * 40)).type, type)

    def test_damaged(self):
        """
        What is no tree is refused, wherever it stops being one.
        """
        oid = ObjectID("0" * 40)
        good = b"100644 a\0" + b"x" * 20
        for data in (
            b"x",
            good + b"100644 b",
            good + b"100644 b\0" + b"x" * 19,
            good + b"10x644 b\0" + b"x" * 20,
            good[1:] + b"\n",
        ):
            for parse in (entries, listed):
                with self.assertRaises(ObjectCorrupt):
                    list(parse(oid, data))

    def test_damaged_before_an_entry(self):
        """
        What is no tree is refused as far as it had to be looked at.
        """
        oid = ObjectID("0" * 40)
        good = b"100644 a\0" + b"x" * 20
        for data in (good + b"100644 b\0" + b" c\0", good + b"10x644 c\0" + b"x" * 20, good + b" c\0"):
            with self.assertRaises(ObjectCorrupt):
                entry(oid, data, b"c")

    def test_name_in_an_id(self):
        """
        An id that looks like an entry is none.
        """
        oid = ObjectID("0" * 40)
        data = b"100644 a\0" + b"100644 b\0".ljust(20, b"x") + b"100644 c\0" + b"y" * 20
        self.assertIsNone(entry(oid, data, b"b"))
        self.assertEqual(entry(oid, data, b"c"), TreeEntry(0o100644, b"c", ObjectID(b"79" * 20)))
