"""
Tests for :mod:`gitaly_tx.warm`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx import warm
from gitaly_tx.warm import BUDGET, FRESH, LONG, SHY, Warm, needs_disk, works_through


class WarmTests(SynchronousTestCase):
    """
    :class:`Warm`
    """

    def setUp(self) -> None:
        self.time = 100.0
        self.threads = 0
        self.blocks = 7
        self.warm = Warm(lambda: self.time, lambda: self.blocks)
        self.warm.trust("/disk/")

    async def in_thread(self, work: Callable[..., Any], *args: Any) -> Any:
        self.threads += 1
        return work(*args)

    def look(self, work: Callable[..., Any], *args: Any, path: str = "/disk/a", more: object = None) -> tuple[Any, int]:
        """
        What came of it, and how many threads it took.
        """
        before = self.threads
        looking = self.warm.look((path, more), self.in_thread, work, *args)
        return self.successResultOf(Deferred.fromCoroutine(looking)), self.threads - before

    def test_again(self) -> None:
        """
        What was looked at in a thread is looked at here for a while, and then in a thread again.
        """
        self.assertEqual(self.look(int, "1"), (1, 1))
        self.assertEqual(self.look(int, "2"), (2, 0))
        self.assertEqual(self.look(int, "3", more="x"), (3, 1))
        self.time += FRESH
        self.assertEqual(self.look(int, "4"), (4, 1))

    def test_elsewhere(self) -> None:
        """
        What is on no local disk is always looked at in a thread.
        """
        for path in ("/net/a", "/disks/a", "/disk"):
            self.assertEqual([self.look(int, path=path)[1] for _ in range(2)], [1, 1])

    def test_too_much(self) -> None:
        """
        Whoever finds that there is much to do has it done in a thread; there nobody asks.
        """

        self.assertEqual(self.look(needs_disk), (None, 1))
        self.assertEqual(self.look(needs_disk), (None, 1))
        self.assertEqual(self.look(works_through, BUDGET), (None, 0))
        self.assertEqual(self.look(works_through, BUDGET + 1), (None, 1))

    def test_errors(self) -> None:
        """
        Errors come from here as from a thread, and leave nothing behind.
        """
        self.look(int)
        for more in (None, "new"):
            looking = self.warm.look(("/disk/a", more), self.in_thread, int, "x")
            self.failureResultOf(Deferred.fromCoroutine(looking), ValueError)
            needs_disk()

    def test_slow(self) -> None:
        """
        One look that waits for the disk sends all of them to threads for a while, and is logged; one that waits for a processor
        does not.
        """

        def busy() -> None:
            self.time += LONG * 2

        def slow() -> None:
            busy()
            self.blocks += 8

        self.assertEqual([self.look(busy)[1] for _ in range(3)], [1, 0, 0])
        self.assertEqual(self.look(slow)[1], 0)
        self.look(int, path="/disk/b")
        self.assertEqual(self.look(int, path="/disk/b")[1], 1)
        self.time += SHY
        self.look(int, path="/disk/b")
        self.assertEqual(self.look(int, path="/disk/b")[1], 0)

    def test_bounded(self) -> None:
        """
        No more looks are remembered than there is room for.
        """
        self.patch(warm, "MOST", 2)
        for path in ("/disk/a", "/disk/b", "/disk/c"):
            self.look(int, path=path)
        self.assertEqual([self.look(int, path=path)[1] for path in ("/disk/c", "/disk/a")], [0, 1])

    def test_never(self) -> None:
        """
        There is one that never looks here.
        """
        self.warm = warm.NEVER
        self.assertEqual([self.look(int)[1] for _ in range(2)], [1, 1])
