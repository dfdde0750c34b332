"""
Tests for :mod:`gitaly_tx.git.parse.foreachref`.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.interfaces import Reference
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.git.parse.foreachref import AUTHOR, COMMITTER, CREATOR, date_of, parse_ref

OID = ObjectID("ab" * 20)


class ParseRefTests(SynchronousTestCase):
    """
    ``parse_ref``.
    """

    @settings(max_examples=50, deadline=None)
    @given(st.binary(max_size=30).filter(lambda name: b"\n" not in name))
    def test_any_name(self, name: bytes):
        """
        A name is whatever follows the id.
        """
        self.assertEqual(parse_ref(OID + b" " + name), Reference(name, OID))

    def test_garbage(self):
        """
        A line without an id is none.
        """
        self.assertRaises(ValueError, parse_ref, b"fatal: no")


class DateTests(SynchronousTestCase):
    """
    ``date_of``.
    """

    def test_fields(self):
        """
        Each field has its own date.
        """
        data = b"tree x\nauthor A <a@x> 1 +0000\ncommitter C <c@x> 2 -0100\n\ncommitter D <d@x> 3 +0000\n"
        self.assertEqual([date_of(data, fields) for fields in (AUTHOR, COMMITTER, CREATOR)], [1, 2, 2])
        self.assertEqual(date_of(b"object x\ntagger T <t@x> 5 +0000\n\n", CREATOR), 5)

    def test_odd(self):
        """
        What cannot be read is 0, and a date before 1970 is a very late one.
        """
        for who, expected in [
            (b"A <a@x>", 0),
            (b"A <a@x> ", 0),
            (b"A <a@x> soon", 0),
            (b"A <a@x>  7", 7),
            (b"A <a@x> +7", 7),
            (b"A <a@x> -1 +0000", (1 << 64) - 1),
            (b"A <a@x> 18446744073709551615 +0000", 0),
            (b"A <a@x> " + b"9" * 10_000, 0),
            (b"A 5", 0),
            (b"", 0),
        ]:
            self.assertEqual(date_of(b"author " + who + b"\n\nm", AUTHOR), expected, who)

    @settings(max_examples=50, deadline=None)
    @given(st.binary(max_size=80))
    def test_junk(self, data: bytes):
        """
        Anything can be read.
        """
        self.assertGreaterEqual(date_of(data, CREATOR), 0)
