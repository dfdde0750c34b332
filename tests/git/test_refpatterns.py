"""
Tests for :mod:`gitaly_tx.git.refpatterns`.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.refchecks import matches
from gitaly_tx.git.refpatterns import LONGEST, RefPatterns

NAMES = st.lists(st.sampled_from([b"a", b"b", b"heads", b"ab"]), min_size=1, max_size=3).map(
    lambda parts: b"refs/" + b"/".join(parts)
)
PATTERNS = st.lists(
    st.sampled_from(
        [b"refs/", b"refs", b"refs/heads", b"refs/heads/", b"refs/a*", b"re*/a", b"refs/*/b", b"refs/**", b"*", b"main", b""]
    ),
    max_size=3,
)


class RefPatternsTests(SynchronousTestCase):
    """
    ``RefPatterns``.
    """

    def test_match(self):
        """
        A pattern is a full name, the beginning of one up to a slash, or a glob.
        """
        for pattern, name, expected in [
            (b"refs/heads/main", b"refs/heads/main", True),
            (b"refs/heads/main", b"refs/heads/main2", False),
            (b"refs/heads", b"refs/heads/main", True),
            (b"refs/heads/", b"refs/heads/main", True),
            (b"refs/he", b"refs/heads/main", False),
            (b"main", b"refs/heads/main", False),
            (b"", b"refs/heads/main", False),
            (b"refs/heads/m*", b"refs/heads/main", True),
            (b"refs/*", b"refs/heads/main", False),
        ]:
            self.assertEqual(RefPatterns([pattern]).match(name), expected, (pattern, name))
        self.assertTrue(RefPatterns([]).match(b"refs/x"))

    def test_prefixes(self):
        """
        Only those refs are read that can match.
        """
        for patterns, expected in [
            ([], (b"refs/",)),
            ([b"refs/heads/main"], (b"refs/heads/main", b"refs/heads/main/")),
            ([b"refs/heads/"], (b"refs/heads/",)),
            ([b"refs/heads/f*/x"], (b"refs/heads/",)),
            ([b"refs/heads/", b"refs"], (b"refs/",)),
            ([b"re*"], (b"refs/",)),
            ([b"main", b""], ()),
        ]:
            self.assertEqual(RefPatterns(patterns).prefixes(), expected, patterns)

    @settings(max_examples=150, deadline=None)
    @given(PATTERNS, NAMES)
    def test_consistent(self, patterns: list[bytes], name: bytes):
        """
        What matches is below a prefix, and without globs everything below one matches.
        """
        found = RefPatterns(patterns)
        below = matches(name, found.prefixes())
        if found.match(name):
            self.assertTrue(below)
        elif found.exact:
            self.assertFalse(below)

    def test_refused(self):
        """
        What git could take for an option is refused, and so is more than its command line would hold.
        """
        error = self.assertRaises(GitalyError, RefPatterns, [b"--all"])
        self.assertEqual(error.message, "positional arg \"--all\" cannot start with dash '-': invalid argument")
        self.assertRaises(GitalyError, RefPatterns, [b"a\0b"])
        error = self.assertRaises(GitalyError, RefPatterns, [b"a" * LONGEST, b"b"])
        self.assertEqual(error.code, Code.INVALID_ARGUMENT)
