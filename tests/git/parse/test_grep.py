"""
Tests for :mod:`gitaly_tx.git.parse.grep`.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.parse.grep import LONGEST, MatchEnd, Matches


def groups(*pieces: bytes) -> list[bytes]:
    """
    What comes out of the machine, group by group.
    """
    machine = Matches()
    found = [b""]
    for events in (*map(machine.receive, pieces), machine.end()):
        for event in events:
            if isinstance(event, MatchEnd):
                found.append(b"")
            else:
                found[-1] += event
    assert found.pop() == b""
    return found


class MatchesTests(SynchronousTestCase):
    """
    ``Matches``
    """

    def test_groups(self) -> None:
        """
        Groups are divided by two dashes on a line of their own.
        """
        self.assertEqual(groups(b"a\nb\n--\nc\n"), [b"a\nb\n", b"c\n"])
        self.assertEqual(groups(b"a--\n--b\n"), [b"a--\n--b\n"])
        self.assertEqual(groups(), [])
        self.assertEqual(groups(b"--\n--\na"), [b"a\n"])

    def test_carriage_returns(self) -> None:
        """
        One carriage return at the end of a line is left out.
        """
        self.assertEqual(groups(b"a\r\nb\r\r\n\rc\n"), [b"a\nb\r\n\rc\n"])

    def test_long_lines(self) -> None:
        """
        A line of 64 KiB with its end passes; after a longer one there is nothing.
        """
        fits = b"x" * (LONGEST - 1) + b"\n"
        self.assertEqual(groups(b"a\n" + fits), [b"a\n" + fits])
        self.assertEqual(groups(b"a\nx" + fits + b"b\n"), [b"a\n"])
        self.assertEqual(groups(b"a\n", b"x" * LONGEST, b"\nb\n"), [b"a\n"])

    @settings(max_examples=100)
    @given(st.lists(st.sampled_from([b"a\n", b"--\n", b"-", b"\r", b"\n", b"b"])), st.integers(0, 20), st.integers(0, 20))
    def test_any_cut(self, parts: list[bytes], one: int, two: int) -> None:
        """
        However the output is cut, the groups are the same.
        """
        output = b"".join(parts)
        one, two = sorted((one, two))
        self.assertEqual(groups(output[:one], output[one:two], output[two:]), groups(output))
