"""
Tests for :mod:`gitaly_tx.services.turns` and :mod:`gitaly_tx.services.chunked`.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import aclosing

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.rpc.chunks import CHUNK
from gitaly_tx.services.chunked import chunked
from gitaly_tx.services.turns import in_turns
from tests.support.threads import ParkedThreads, inline_threads


class InTurnsTests(SynchronousTestCase):
    """
    ``in_turns``
    """

    def setUp(self) -> None:
        self.said: list[str] = []

    def work(self, count: int = 3) -> Generator[int, None, None]:
        try:
            for number in range(count):
                self.said.append(f"making {number}")
                yield number
        finally:
            self.said.append("closed")

    def test_all(self) -> None:
        """
        Everything comes, in order; the generator is closed at the end.
        """

        async def collect() -> list[int]:
            async with aclosing(in_turns(inline_threads, self.work())) as found:
                return [number async for number in found]

        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(collect())), [0, 1, 2])
        self.assertEqual(self.said[-1], "closed")

    def test_stopped(self) -> None:
        """
        Nothing is made that nobody asks for.
        """

        async def first() -> int:
            async with aclosing(in_turns(inline_threads, self.work())) as found:
                return await anext(found)

        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(first())), 0)
        self.assertEqual(self.said, ["making 0", "closed"])

    def test_failure(self) -> None:
        """
        What the generator raises is raised.
        """

        def broken() -> Generator[int, None, None]:
            yield 1
            raise OSError("broken")

        async def collect() -> list[int]:
            return [number async for number in in_turns(inline_threads, broken())]

        self.failureResultOf(Deferred.fromCoroutine(collect()), OSError)

    def test_cancelled(self) -> None:
        """
        Cancelled in the middle of a turn, the generator is closed after that turn.
        """
        threads = ParkedThreads()

        async def first() -> int:
            async with aclosing(in_turns(threads, self.work())) as found:
                return await anext(found)

        waiting = Deferred.fromCoroutine(first())
        waiting.cancel()
        self.assertNoResult(waiting)
        threads.all()
        self.failureResultOf(waiting, CancelledError)
        self.assertEqual(self.said, ["making 0", "closed"])


class ChunkedTests(SynchronousTestCase):
    """
    ``chunked``
    """

    def test_sizes(self) -> None:
        """
        Pieces are as large as a reply takes, and none is empty.
        """
        self.assertEqual(list(chunked(b"")), [])
        self.assertEqual(list(chunked(b"a")), [b"a"])
        for size in (CHUNK, CHUNK + 1, 3 * CHUNK):
            pieces = list(chunked(b"x" * size))
            self.assertEqual(sum(map(len, pieces)), size)
            self.assertTrue(all(0 < len(piece) <= CHUNK for piece in pieces))
