"""
Tests for :mod:`gitaly_tx.limits.watchers`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.limits.interfaces import IWatcher, Pressure
from gitaly_tx.limits.kernel import Memory
from gitaly_tx.limits.watchers import MemoryWatcher, StallWatcher, ThrottlingWatcher, watchers


class Figures:
    """
    In the place of a kernel.
    """

    memory: Memory | None = None
    seconds: float | None = None
    stalled: float | None = None
    asked: tuple[str, str] = ("", "")

    def memory_now(self) -> Memory | None:
        return self.memory

    def throttled(self) -> float | None:
        return self.seconds

    def pressure(self, resource: str, kind: str) -> float | None:
        self.asked = resource, kind
        return self.stalled


async def at_once(work: Any) -> Any:
    """
    In the place of a thread.
    """
    return work()


class WatcherTests(SynchronousTestCase):
    """
    Each watcher.
    """

    def setUp(self) -> None:
        self.figures: Any = Figures()
        self.clock = Clock()

    def poll(self, watcher: IWatcher) -> Pressure | None:
        async def polled() -> Pressure | None:
            return await watcher.poll()

        found: Pressure | None = self.successResultOf(Deferred.fromCoroutine(polled()))
        return found

    def test_memory(self) -> None:
        """
        There is pressure from nine tenths of the memory on, or from what is configured, or when the kernel kills already.
        """
        usual, strict = MemoryWatcher(self.figures, at_once), MemoryWatcher(self.figures, at_once, 0.5)
        self.assertIsNone(self.poll(usual))
        for used, expected in ((499, (False, False)), (500, (False, True)), (899, (False, True)), (900, (True, True))):
            self.figures.memory = Memory(used, 1000)
            self.assertEqual((self.poll(usual) is not None, self.poll(strict) is not None), expected, used)
        facts = {"memory_usage": 900, "memory_limit": 1000, "memory_threshold": 0.9}
        self.assertEqual(self.poll(usual), Pressure("cgroup memory exceeds threshold", facts))
        self.figures.memory = Memory(0, 1000, True)
        self.assertEqual(self.poll(usual), Pressure("cgroup is under OOM", {}))

    def test_throttling(self) -> None:
        """
        There is pressure if the processors were held back for more than half of the time since the last look.
        """
        watcher = ThrottlingWatcher(self.figures, at_once, self.clock)
        self.assertIsNone(self.poll(watcher))
        self.figures.seconds = 100.0
        self.assertIsNone(self.poll(watcher))
        self.figures.seconds = 200.0
        self.assertIsNone(self.poll(watcher), "no time has passed")
        for seconds, pressure in ((205.0, False), (210.1, True), (5.0, False), (11.0, True)):
            self.clock.advance(10)
            self.figures.seconds = seconds
            self.assertEqual(self.poll(watcher) is not None, pressure, seconds)
        self.clock.advance(10)
        self.figures.seconds = 18.0
        facts = {"time_diff": 10.0, "throttled_duration": 7.0, "throttled_threshold": 0.5}
        self.assertEqual(self.poll(watcher), Pressure("cgroup CPU throttled too much", facts))

    def test_stalls(self) -> None:
        """
        There is pressure if tasks wait for too much of the time.
        """
        watcher = StallWatcher(self.figures, at_once, "memory", "full", 0.1)
        for stalled, pressure in ((None, False), (0.0, False), (0.09, False), (0.1, True)):
            self.figures.stalled = stalled
            self.assertEqual(self.poll(watcher) is not None, pressure, stalled)
        self.assertEqual((self.figures.asked, watcher.name), (("memory", "full"), "PressureMemory"))

    def test_all(self) -> None:
        """
        All of them are watchers, with the thresholds that are configured.
        """
        found = watchers(self.figures, at_once, self.clock, 0.25, 0.75)
        for watcher in found:
            verifyObject(IWatcher, watcher)
        self.assertEqual([watcher.name for watcher in found], ["CgroupMemory", "CgroupCpu", "PressureMemory", "PressureCpu"])
        self.figures.memory = Memory(75, 100)
        self.assertIsNotNone(self.poll(found[0]))
