"""
Tests for :mod:`protocols.git.lfs`.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.git.lfs import MAXIMUM, Pointer, parse_pointer

DIGITS = b"0123456789abcdef" * 4
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + DIGITS + b"\nsize 123\n"


class ParsePointerTests(SynchronousTestCase):
    """
    ``parse_pointer``.
    """

    def test_pointer(self):
        """
        A pointer names a file and its size; the last newline may be missing, and other lines may be between.
        """
        for data in (POINTER, POINTER[:-1], POINTER + b"\n", POINTER.replace(b"\noid", b"\next-0-x sha256:1\noid")):
            self.assertEqual(parse_pointer(data), Pointer(DIGITS, 123), data)

    def test_no_pointer(self):
        """
        What lacks a line, or is too long, is none.
        """
        for data in (
            b"",
            b"x" + POINTER,
            POINTER.replace(b"git-lfs", b"hawser"),
            POINTER.replace(b"size 123", b"size x"),
            POINTER.replace(b"size 123", b" size 123"),
            POINTER.replace(b"size 123", b"size 123 "),
            POINTER.replace(b"sha256:0", b"sha256:A"),
            POINTER.replace(b"sha256:", b"sha512:"),
            POINTER.replace(DIGITS, DIGITS[1:]),
            POINTER.replace(DIGITS, DIGITS + b"0"),
            POINTER.ljust(MAXIMUM + 1, b"\n"),
        ):
            self.assertIsNone(parse_pointer(data), data)
        self.assertIsNotNone(parse_pointer(POINTER.ljust(MAXIMUM, b"\n")))

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=300))
    def test_junk(self, data: bytes):
        """
        Anything can be looked at.
        """
        self.assertIsNone(parse_pointer(data))
