"""
Tests for :mod:`gitaly_tx.git.parse.revlist`.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.interfaces import ObjectInfo
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.git.parse.revlist import parse_info, parse_object

OID = ObjectID("cd" * 32)


class ParseTests(SynchronousTestCase):
    """
    ``parse_object`` and ``parse_info``.
    """

    @settings(max_examples=50, deadline=None)
    @given(st.binary(max_size=30).filter(lambda path: b"\n" not in path))
    def test_object(self, path: bytes):
        """
        A path may hold anything, spaces too.
        """
        self.assertEqual(parse_object(OID + b" " + path), (OID, path))

    def test_no_path(self):
        """
        An object may come without a path.
        """
        self.assertEqual(parse_object(OID), (OID, b""))
        self.assertRaises(ValueError, parse_object, b"x")

    def test_info(self):
        """
        Type and size follow the id.
        """
        self.assertEqual(parse_info(OID + b" blob 12"), ObjectInfo(OID, b"blob", 12))
        for line in (b"x blob 12", OID + b" missing", OID + b" blob many"):
            self.assertRaises(ValueError, parse_info, line)
