"""
Tests for :mod:`gitaly_tx.git.records`.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code
from gitaly_tx.git.records import RecordTooLong, batches, pieces, records
from tests.support.streams import MemorySource


class FakeChild:
    """
    A child with its output given.
    """

    def __init__(self, *output: bytes) -> None:
        self.stdout = MemorySource(output)
        self.killed = False

    def kill(self) -> None:
        """
        Remember it.
        """
        self.killed = True


async def collected(source: Any) -> list[Any]:
    """
    Everything that an iterator yields.
    """
    async with aclosing(source):
        return [each async for each in source]


async def first(source: Any) -> Any:
    """
    The first thing that an iterator yields; then it is closed.
    """
    async with aclosing(source):
        return await anext(source)


class RecordsTests(SynchronousTestCase):
    """
    ``pieces``, ``batches`` and ``records``
    """

    def done(self, asked: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(asked))

    @settings(max_examples=100)
    @given(st.lists(st.text("ab\n", max_size=5)))
    def test_any_cut(self, cut: list[str]) -> None:
        """
        However the output is cut into pieces, the records are the same, and the child is not killed.
        """
        output = [piece.encode() for piece in cut]
        child: Any = FakeChild(*output)
        expected = b"".join(output).split(b"\n")
        if not expected[-1]:
            expected.pop()
        self.assertEqual(self.done(collected(records(child))), expected)
        self.assertFalse(child.killed)

    def test_batches(self) -> None:
        """
        What comes at once stays together, and no batch is empty.
        """
        child: Any = FakeChild(b"a\0b\0c", b"d", b"\0", b"e")
        self.assertEqual(self.done(collected(batches(child, b"\0"))), [[b"a", b"b"], [b"cd"], [b"e"]])

    def test_stopped(self) -> None:
        """
        Whoever stops early has the child killed, however deep the iterators lie in one another.
        """
        for source, expected in ((pieces, b"a\nb\nc"), (batches, [b"a", b"b"]), (records, b"a")):
            child: Any = FakeChild(b"a\nb\nc", b"d")
            self.assertEqual(self.done(first(source(child))), expected)
            self.assertTrue(child.killed)

    def test_too_long(self) -> None:
        """
        A record that is too long is an error, whether it has ended or not, and the child is killed.
        """
        for output in ((b"a\nlonger\n",), (b"a\nlon", b"ger")):
            child: Any = FakeChild(*output)
            failure = self.failureResultOf(Deferred.fromCoroutine(collected(records(child, longest=4))), RecordTooLong)
            self.assertEqual(failure.value.code, Code.RESOURCE_EXHAUSTED)
            self.assertTrue(child.killed)
