"""
An application's messages on a terminal.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.hooks.gitlabapi import Message
from gitaly_tx.hooks.gitlabmessages import TEXT_WIDTH, WIDTH, UnknownKind, alert, pieces

BORDER = b"=" * 72


class PiecesTests(SynchronousTestCase):
    """
    ``pieces``.
    """

    def test_basic(self) -> None:
        """
        A basic message is told as it is, between empty lines.
        """
        self.assertEqual(
            list(pieces([Message("one\n  two", "basic"), Message("", "basic")])),
            [b"\n", b"one\n  two", b"\n\n", b"\n", b"", b"\n\n"],
        )

    def test_alert(self) -> None:
        """
        An alert stands in the middle, between two lines.
        """
        told = b"".join(pieces([Message("look  here\n", "alert")]))
        self.assertEqual(told, b"\n" + BORDER + b"\n\n" + b" " * 31 + b"look here" + b"\n\n" + BORDER + b"\n\n")

    def test_unknown(self) -> None:
        """
        What comes before a message of an unknown kind is told.
        """
        told = []
        with self.assertRaises(UnknownKind) as caught:
            for piece in pieces([Message("a", "basic"), Message("b", "loud")]):
                told.append(piece)
        self.assertEqual((str(caught.exception), told), ("invalid message type: loud", [b"\n", b"a", b"\n\n", b"\n"]))


class AlertTests(SynchronousTestCase):
    """
    ``alert``.
    """

    def lines(self, text: bytes) -> list[bytes]:
        """
        What stands between the borders.
        """
        start, end = BORDER + b"\n\n", b"\n\n" + BORDER
        laid = alert(text)
        self.assertTrue(laid.startswith(start) and laid.endswith(end))
        return laid[len(start) : -len(end)].split(b"\n")

    def test_wrapped(self) -> None:
        """
        A line has at most 67 characters, if words allow it, and is centred; what does not come out even stands further left.
        """
        words = b" ".join([b"abcdefg"] * 18)
        self.assertEqual(self.lines(words), [b" " * 4 + b" ".join([b"abcdefg"] * 8)] * 2 + [b" " * 28 + b"abcdefg abcdefg"])

    def test_long_word(self) -> None:
        """
        A word longer than a line has its own, below an empty one if it is the first.
        """
        self.assertEqual(self.lines(b"x" * 100 + b" y"), [b" " * 36, b"x" * 100, b" " * 35 + b"y"])

    def test_empty(self) -> None:
        """
        No words make one empty line.
        """
        self.assertEqual(self.lines(b" "), [b" " * 36])

    @given(st.lists(st.text("ab", min_size=1, max_size=TEXT_WIDTH - 2), min_size=1, max_size=60))
    def test_nothing_lost(self, words: list[str]) -> None:
        """
        All words are there, in their order, and no line is wider than the border.
        """
        lines = self.lines(" ".join(words).encode())
        self.assertEqual(b" ".join(lines).split(), [word.encode() for word in words])
        self.assertTrue(all(len(line) <= WIDTH for line in lines))
