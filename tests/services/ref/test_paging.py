"""
Tests for :mod:`gitaly_tx.services.ref.paging`.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.interfaces import Reference
from gitaly_tx.git.objectid import ObjectFormat
from gitaly_tx.services.ref.paging import in_lines, paged
from protocols.gitaly.shared_pb2 import PaginationParameter

REFS = [Reference(b"refs/heads/%d" % number, ObjectFormat.SHA1.zero) for number in range(7)]


class PagedTests(SynchronousTestCase):
    """
    ``paged`` and ``in_lines``.
    """

    def test_no_params(self):
        """
        Who asks for no page gets everything.
        """
        self.assertEqual(paged(REFS, None), REFS)

    def test_limits(self):
        """
        A limit of 0 is an empty page, a negative one none.
        """
        for limit, expected in [(0, []), (2, REFS[:2]), (99, REFS), (-1, REFS)]:
            self.assertEqual(paged(REFS, PaginationParameter(limit=limit)), expected)

    def test_tokens(self):
        """
        A page begins after its token, which an empty page never meets.
        """
        for token, limit, expected in [
            ("refs/heads/1", 2, REFS[2:4]),
            ("refs/heads/1", -1, REFS[2:]),
            ("refs/heads/6", 5, []),
            ("refs/heads/1", 0, None),
            ("refs/heads/x", 5, None),
            ("1", 5, None),
        ]:
            self.assertEqual(paged(REFS, PaginationParameter(page_token=token, limit=limit)), expected)

    @settings(max_examples=50, deadline=None)
    @given(st.integers(1, 9))
    def test_whole(self, size: int):
        """
        All pages together are the list, and so are all parts.
        """
        found: list[Reference] = []
        while page := paged(REFS, PaginationParameter(page_token=found[-1].name.decode() if found else "", limit=size)):
            found.extend(page)
        self.assertEqual(found, REFS)
        self.assertEqual([ref for part in in_lines(REFS, size) for ref in part], REFS)
