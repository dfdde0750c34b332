"""
Tests for :mod:`gitaly_tx.services.conflicts.sections`.
"""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.services.conflicts.sections import LIMIT, NotParsed, NotResolved, parse, resolved

FILE = b"one\n<<<<<<< o\nours\nmore\n=======\ntheirs\n>>>>>>> t\ntwo\n<<<<<<< o\n=======\nt\n>>>>>>> t\n"

PREFIX = hashlib.sha1(b"path").hexdigest().encode()

FIRST, SECOND = PREFIX + b"_2_2", PREFIX + b"_4_5"
"""The sections: their file has ``one``, ``theirs``, ``two`` and ``t``, ours ``one``, ``ours``, ``more`` and ``two``."""


class SectionTests(SynchronousTestCase):
    """
    ``parse`` and ``resolved``.
    """

    def test_resolved(self) -> None:
        """
        Of each section the lines of one side are kept.
        """
        lines = parse(FILE, b"o", b"t")
        for first, second, expected in (
            (b"head", b"head", b"one\nours\nmore\ntwo"),
            (b"origin", b"head", b"one\ntheirs\ntwo"),
            (b"head", b"origin", b"one\nours\nmore\ntwo\nt"),
            (b"origin", b"origin", b"one\ntheirs\ntwo\nt"),
        ):
            self.assertEqual(resolved(lines, b"path", {FIRST: first, SECOND: second}), expected)

    def test_missing(self) -> None:
        """
        A section that nobody decided about is named, and one with a choice that is none.
        """
        lines = parse(FILE, b"o", b"t")
        for choices, section in (({}, FIRST), ({FIRST: b"head"}, SECOND), ({FIRST: b"mine", SECOND: b"head"}, FIRST)):
            error = self.assertRaises(NotResolved, resolved, lines, b"path", choices)
            self.assertEqual(str(error), f"Missing resolution for section ID: {section.decode()}")

    def test_other_markers(self) -> None:
        """
        Only the markers of this merge are markers.
        """
        file = b"<<<<<<< x\n======= \n>>>>>>> o\n\r\n"
        self.assertEqual(resolved(parse(file, b"o", b"t"), b"path", {}), file.removesuffix(b"\n"))

    def test_not_parsed(self) -> None:
        """
        A file that is empty or too large is not taken apart, nor one whose markers are in disorder.
        """
        for content, text in (
            (b"", "merging is not supported for file"),
            (b"x" * LIMIT, "merging is not supported for file"),
            (b"=======\n", "unexpected conflict delimiter"),
            (b">>>>>>> t\n", "unexpected conflict delimiter"),
            (b"<<<<<<< o\n<<<<<<< o\n", "unexpected conflict delimiter"),
            (b"<<<<<<< o\n>>>>>>> t\n", "unexpected conflict delimiter"),
            (b"<<<<<<< o\n=======\n=======\n", "unexpected conflict delimiter"),
            (b"<<<<<<< o\n", "missing last delimiter"),
            (b"<<<<<<< o\n=======\na", "missing last delimiter"),
        ):
            with self.subTest(content=content[:40]):
                self.assertEqual(str(self.assertRaises(NotParsed, parse, content, b"o", b"t")), text)
        self.assertEqual(len(parse(b"x" * (LIMIT - 1), b"o", b"t")), 1)

    @given(st.lists(st.binary(max_size=5).filter(lambda line: b"\n" not in line), min_size=1))
    def test_without_conflicts(self, lines) -> None:
        """
        A file without markers stays as it is, but for its last newline.
        """
        file = b"".join(line + b"\n" for line in lines)
        self.assertEqual(resolved(parse(file, b"o", b"t"), b"path", {}) + b"\n", file)
