"""
Tests for :mod:`gitaly_tx.linguist.frames`.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.linguist import frames
from gitaly_tx.linguist.frames import as_bytes, as_text, framed, unframed


class FrameTests(SynchronousTestCase):
    """
    What goes in comes out.
    """

    @given(st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=3), max_size=3), st.integers(1, 30))
    def test_pieces(self, questions: list[list[bytes]], size: int) -> None:
        """
        However the stream is cut, the frames are the same.
        """
        stream = b"".join(framed(list(map(as_text, question))) for question in questions)
        buffer, found = bytearray(), []
        for start in range(0, len(stream), size):
            buffer += stream[start : start + size]
            while (content := unframed(buffer)) is not None:
                found.append(list(map(as_bytes, content)))
        self.assertEqual(found, questions)
        self.assertEqual(buffer, b"")

    def test_too_long(self) -> None:
        """
        A frame that is too long is neither sent nor waited for.
        """
        self.patch(frames, "LONGEST", 10)
        with self.assertRaises(ValueError):
            framed("a" * 10)
        with self.assertRaises(ValueError):
            unframed(bytearray(b"\0\0\0\x0b"))
