"""
The daily maintenance.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.housekeeping.nightly import Nightly, Window
from gitaly_tx.wal.interfaces import Partition

HOUR = 3600.0
START = datetime(2024, 2, 28, 20, 0, 0)


class Named:
    """
    As much of a repository as is looked at here.
    """

    def __init__(self, name: str) -> None:
        self.partition = Partition("default", name)


class RecordedHousekeeping:
    """
    Work that lasts until the test says so.
    """

    def __init__(self) -> None:
        self.running: list[tuple[str, Deferred[None]]] = []

    def optimize(self, repository: Named) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self.running.append((repository.partition.path, done))
        return done


class WindowTests(SynchronousTestCase):
    """
    ``Window``
    """

    def test_seconds_until(self) -> None:
        """
        The window opens today, or tomorrow if its beginning is over, also at the end of a month.
        """
        for hour, minute, expected in [(20, 0, 0.0), (23, 30, 3.5 * HOUR), (19, 59, 24 * HOUR - 60), (0, 0, 4 * HOUR)]:
            self.assertEqual(Window(hour, minute, 1.0).seconds_until(START), expected)


class NightlyTests(SynchronousTestCase):
    """
    ``Nightly``
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.housekeeping = RecordedHousekeeping()
        housekeeping: Any = self.housekeeping
        self.names = {"default": ["a", "b"], "other": ["c"]}
        self.broken = False
        self.nightly = Nightly(
            self.clock,
            lambda: START + timedelta(seconds=self.clock.seconds()),
            Window(22, 0, HOUR),
            ["default", "other"],
            self.found,
            housekeeping,
        )
        self.nightly.start()

    def tearDown(self) -> None:
        while self.working():
            self.end()

    async def found(self, storage: str) -> AsyncIterator[Any]:
        if self.broken:
            raise OSError("no")
        for name in self.names[storage]:
            yield Named(name)

    def working(self) -> list[str]:
        return [name for name, _ in self.housekeeping.running]

    def end(self) -> None:
        self.housekeeping.running.pop(0)[1].callback(None)

    def test_one_after_the_other(self) -> None:
        """
        When the window opens, each repository of each storage has its turn; and again the next day.
        """
        self.clock.advance(2 * HOUR - 1)
        self.assertEqual(self.working(), [])
        self.clock.advance(1)
        for day in range(2):
            for name in ("a", "b", "c"):
                self.assertEqual(self.working(), [name], day)
                self.end()
            self.assertEqual(self.working(), [])
            self.clock.advance(24 * HOUR)

    def test_time_is_over(self) -> None:
        """
        Once the time is over no other repository is begun until the next day.
        """
        self.clock.advance(2 * HOUR)
        self.clock.advance(HOUR)
        self.end()
        self.assertEqual(self.working(), [])
        self.clock.advance(23 * HOUR)
        self.assertEqual(self.working(), ["a"])

    def test_failures(self) -> None:
        """
        A repository that fails is passed over. If a storage cannot be read that is logged, and the next day is another one.
        """
        self.clock.advance(2 * HOUR)
        self.housekeeping.running.pop(0)[1].errback(GitalyError("no", Code.INTERNAL))
        self.assertEqual(self.working(), ["b"])
        self.end()
        self.end()
        self.broken = True
        self.clock.advance(24 * HOUR)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.broken = False
        self.clock.advance(24 * HOUR)
        self.assertEqual(self.working(), ["a"])

    def test_stop(self) -> None:
        """
        After the stop nothing begins, whether it waited or worked.
        """
        self.nightly.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.nightly.start()
        self.clock.advance(2 * HOUR)
        self.nightly.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.flushLoggedErrors(), [])
