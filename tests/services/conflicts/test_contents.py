"""
Tests for :mod:`gitaly_tx.services.conflicts.contents`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase, TestCase

from gitaly_tx.errors import GitalyError
from gitaly_tx.services.conflicts.contents import Contents, Labels
from tests.support.streams import MemorySink, MemorySource

OURS, THEIRS = b"a" * 8, b"ab" * 4

IDS = {OURS: b"our/path", THEIRS: b""}


class LabelsTests(SynchronousTestCase):
    """
    ``Labels``
    """

    @settings(max_examples=150)
    @given(
        st.lists(st.sampled_from([OURS, THEIRS, b"a", b"b", b"aaaa", b"text\n"]), max_size=10).map(b"".join),
        st.lists(st.integers(1, 12), max_size=12),
    )
    def test_however_cut(self, text, sizes):
        """
        Ids are replaced wherever the text is cut.
        """
        pieces, start = [], 0
        for size in sizes:
            pieces.append(text[start : start + size])
            start += size
        labels = Labels(IDS)
        found = b"".join([*(labels.feed(piece) for piece in [*pieces, text[start:]]), labels.end()])
        whole = Labels(IDS)
        self.assertEqual(found, whole.feed(text) + whole.end())
        for oid in IDS:
            if oid in text:
                self.assertNotEqual(found, text)

    def test_replaced(self):
        """
        An id becomes what stands for it, an empty text too; what only looks like the beginning of one stays.
        """
        labels = Labels(IDS)
        self.assertEqual(labels.feed(b"<<< " + OURS + b"\n" + THEIRS[:7]) + labels.end(), b"<<< our/path\n" + THEIRS[:7])
        labels = Labels(IDS)
        self.assertEqual(labels.feed(b">>> " + THEIRS + b"\n") + labels.end(), b">>> \n")


class Batch:
    """
    A ``git cat-file --batch`` that says what it is told to say.
    """

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.stdin = MemorySink()
        self.stdout = MemorySource(pieces)


async def answered(pieces: Sequence[bytes], *revisions: bytes) -> list[bytes | None]:
    """
    What is read for some revisions.
    """
    child: Any = Batch(pieces)
    contents = Contents(child)
    found: list[bytes | None] = []
    for revision in revisions:
        size = await contents.find(revision)
        if size is None:
            found.append(None)
            continue
        async with aclosing(contents.read(size)) as parts:
            found.append(b"".join([part async for part in parts]))
    return found


class ContentsTests(TestCase):
    """
    ``Contents``
    """

    async def test_however_cut(self):
        """
        Contents are told from what is missing, however the bytes come.
        """
        said = b"abcd blob 5\na\n\0b\n\nab:x\ny missing\nabcd blob 0\n\nab:z missing\n"
        for size in range(1, len(said) + 1):
            pieces = [said[start : start + size] for start in range(0, len(said), size)]
            found = await answered(pieces, b"ab:w", b"ab:x\ny", b"ab:v", b"ab:z")
            self.assertEqual(found, [b"a\n\0b\n", None, b"", None])

    async def test_broken(self):
        """
        An output that ends too early, or says something else, is an error.
        """
        for said in (b"", b"abcd blob 5\nabc", b"abcd blob 5\nabcde", b"x", b"abcd submodule\n", b"abcd blob x\n"):
            with self.assertRaises(GitalyError, msg=repr(said)):
                await answered([said] if said else [], b"ab:w")
