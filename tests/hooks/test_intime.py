"""
Policies and event sinks, and their time.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from gitaly_tx.hooks.events import Announcer
from gitaly_tx.hooks.interfaces import IEventSink, IPushPolicy, Push, RefsUpdated, Refused
from gitaly_tx.hooks.intime import HeardInTime, InTime
from gitaly_tx.hooks.patience import within


@implementer(IPushPolicy)
class Slow:
    """
    A policy that waits.

    :ivar gate: what it waits for.
    :ivar stubborn: it does not mind that nobody waits for it.
    """

    name = "slow"

    def __init__(self) -> None:
        self.gate: Deferred[None] = Deferred()
        self.stubborn = False
        self.cancelled = 0

    async def check(self, push: Push) -> None:
        """
        Wait.
        """
        while True:
            try:
                await self.gate
                return
            except CancelledError:
                self.cancelled += 1
                if not self.stubborn:
                    raise
                self.gate = Deferred()


class InTimeTests(SynchronousTestCase):
    """
    ``InTime``.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.slow = Slow()
        self.policy = InTime(self.slow, self.clock, 7.0)
        nothing: Any = None
        self.checking = Deferred.fromCoroutine(self.policy.check(nothing))

    def test_in_time(self) -> None:
        """
        A policy that answers in time decides, under its own name.
        """
        verifyObject(IPushPolicy, self.policy)
        self.assertEqual(self.policy.name, "slow")
        self.clock.advance(6.9)
        self.slow.gate.callback(None)
        self.successResultOf(self.checking)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_refuses(self) -> None:
        """
        What it raises goes through.
        """
        self.slow.gate.errback(Refused("no"))
        self.assertEqual(self.failureResultOf(self.checking, Refused).value.text, "no")

    def test_too_late(self) -> None:
        """
        One that does not is cancelled, and the push is refused, in words that name it.
        """
        self.clock.advance(7)
        error = self.failureResultOf(self.checking, Refused).value
        self.assertEqual(error.text, "policy slow took longer than 7 s, so the push is refused")
        self.assertEqual(self.slow.cancelled, 1)

    def test_stubborn(self) -> None:
        """
        One that goes on all the same keeps nobody waiting; should it fail later, the log says so.
        """
        self.slow.stubborn = True
        self.clock.advance(7)
        self.failureResultOf(self.checking, Refused)
        self.assertEqual(self.flushLoggedErrors(), [])
        self.slow.gate.errback(RuntimeError("late"))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_pusher_goes(self) -> None:
        """
        If the pusher goes away the policy is cancelled.
        """
        self.checking.cancel()
        self.failureResultOf(self.checking, CancelledError)
        self.assertEqual((self.slow.cancelled, self.clock.getDelayedCalls()), (1, []))


@implementer(IEventSink)
class SlowSink(Slow):
    """
    A sink that waits.
    """

    async def refs_updated(self, event: RefsUpdated) -> None:
        """
        Wait.
        """
        await self.check(event.push)


class HeardInTimeTests(SynchronousTestCase):
    """
    ``HeardInTime``.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.sinks = SlowSink(), SlowSink()
        announcer = Announcer([HeardInTime(sink, self.clock, 7.0) for sink in self.sinks])
        nothing: Any = None
        self.announcing = Deferred.fromCoroutine(announcer.announce(RefsUpdated(nothing, [])))

    def test_in_time(self) -> None:
        """
        A sink that hears in time is left alone.
        """
        verifyObject(IEventSink, HeardInTime(self.sinks[0], self.clock, 7.0))
        self.assertEqual(HeardInTime(self.sinks[0], self.clock, 7.0).name, "slow")
        for sink in self.sinks:
            self.clock.advance(6.9)
            sink.gate.callback(None)
        self.successResultOf(self.announcing)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_too_late(self) -> None:
        """
        One that does not is cancelled and logged, and keeps nobody else from hearing.
        """
        self.clock.advance(7)
        self.assertEqual(self.sinks[0].cancelled, 1)
        self.assertNoResult(self.announcing)
        self.sinks[1].gate.callback(None)
        self.successResultOf(self.announcing)
        self.assertEqual(len(self.flushLoggedErrors(TimeoutError)), 1)


class WithinTests(SynchronousTestCase):
    """
    ``within``.
    """

    def test_value(self) -> None:
        """
        Anything that can be awaited may be waited for, and its value is the value.
        """
        value: Deferred[int] = Deferred()
        waiting = within(1.0, Clock(), value, "it")
        value.callback(3)
        self.assertEqual(self.successResultOf(waiting), 3)

    def test_last_moment(self) -> None:
        """
        Work that answers as it is cancelled has answered.
        """
        clock = Clock()
        value: Deferred[int] = Deferred(lambda it: it.callback(3))
        waiting = within(1.0, clock, value, "it")
        clock.advance(1)
        self.assertEqual(self.successResultOf(waiting), 3)

    def test_late(self) -> None:
        """
        Being late is Python's own error.
        """
        clock = Clock()
        waiting: Deferred[None] = within(1.0, clock, Deferred(), "it")
        clock.advance(1)
        self.failureResultOf(waiting, TimeoutError)
