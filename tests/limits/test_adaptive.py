"""
Tests for :mod:`gitaly_tx.limits.adaptive`.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from gitaly_tx.limits.adaptive import INTERVAL, Adaptation, Told
from gitaly_tx.limits.interfaces import IWatcher, Pressure
from gitaly_tx.limits.limit import Limit
from tests.support.events import logged

PRESSURE = Pressure("too hot", {"degrees": 99.0})


@implementer(IWatcher)
class Scripted:
    """
    Sees what it is told to, in order, then nothing.
    """

    def __init__(self, name: str, *script: Pressure | Exception | None) -> None:
        self.name = name
        self.script = list(script)
        self.waits: Deferred[None] | None = None

    async def poll(self) -> Pressure | None:
        if self.waits is not None:
            await self.waits
        found = self.script.pop(0) if self.script else None
        if isinstance(found, Exception):
            raise found
        return found


class AdaptationTests(SynchronousTestCase):
    """
    ``Adaptation``.
    """

    def start(self, limit: Limit, *watchers: Scripted) -> Adaptation:
        self.clock = Clock()
        self.seen: list[int] = []
        self.backoffs: list[str] = []
        self.errors: list[str] = []
        told = Told(lambda _, value: self.seen.append(value), self.backoffs.append, self.errors.append)
        made = Adaptation(self.clock, [limit], watchers, told)
        made.startService()
        return made

    def test_growing(self) -> None:
        """
        Without pressure a limit grows by one at a time, up to its most.
        """
        self.start(Limit("test", 25, 10, 27), Scripted("w"))
        self.clock.pump([INTERVAL] * 4)
        self.assertEqual((self.seen, self.backoffs), ([25, 26, 27, 27, 27], []))

    def test_shrinking(self) -> None:
        """
        Under pressure it is cut by half, down to its least, and grows again afterwards.
        """
        limit = Limit("test", 25, 10, 100)
        self.start(limit, Scripted("w", None, None, PRESSURE, PRESSURE, PRESSURE))
        with logged("gitaly_tx.limits") as events:
            self.clock.pump([INTERVAL] * 6)
        self.assertEqual(self.seen, [25, 26, 27, 13, 10, 10, 11])
        self.assertEqual(self.backoffs, ["w"] * 3)
        told = next(event for event in events if event["log_format"] == "Multiplicative decrease")
        expected = {
            "limit": "test", "previous_limit": 27, "new_limit": 13, "watcher": "w", "reason": "too hot", "stats.degrees": 99.0,
        }  # fmt: skip
        self.assertEqual({key: told[key] for key in expected}, expected)

    def test_together(self) -> None:
        """
        Several watchers at the same time cut once.
        """
        self.start(Limit("test", 40, 1, 100), Scripted("v", PRESSURE), Scripted("w", PRESSURE))
        self.clock.advance(INTERVAL)
        self.assertEqual((self.seen, self.backoffs), ([40, 20], ["v", "w"]))

    def test_errors(self) -> None:
        """
        A watcher that cannot look is counted, and keeps nobody from looking.
        """
        self.start(Limit("test", 40, 1, 100), Scripted("v", OSError("gone"), ValueError("odd")), Scripted("w", None, PRESSURE))
        with logged("gitaly_tx.limits") as events:
            self.clock.pump([INTERVAL] * 2)
        self.assertEqual((self.seen, self.errors), ([40, 41, 20], ["v", "v"]))
        self.assertEqual([event["error"] for event in events if "error" in event], ["gone", "odd"])

    def test_slow_watcher(self) -> None:
        """
        While somebody still looks, no second look begins; stopping ends the first.
        """
        slow = Scripted("w")
        slow.waits = Deferred()
        service = self.start(Limit("test", 40, 1, 100), slow)
        self.clock.pump([INTERVAL] * 3)
        self.assertEqual(self.seen, [40])
        slow.waits.callback(None)
        self.assertEqual(self.seen, [40, 41])
        slow.waits = Deferred()
        self.clock.advance(INTERVAL)
        service.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_bug(self) -> None:
        """
        A watcher that fails in an unforeseen way is logged, and the next look begins.
        """
        self.start(Limit("test", 40, 1, 100), Scripted("w", RuntimeError("bug")))
        self.clock.pump([INTERVAL] * 2)
        self.assertEqual(self.seen, [40, 41])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_nothing_to_do(self) -> None:
        """
        Without limits that adapt, nobody looks.
        """
        clock = Clock()
        service = Adaptation(clock, [], [Scripted("w")], Told(print, print, print))
        service.startService()
        self.assertEqual(clock.getDelayedCalls(), [])
        service.stopService()
