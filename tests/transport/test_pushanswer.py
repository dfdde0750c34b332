"""
The way back to a client that pushes.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.streams import StreamBroken
from gitaly_tx.transport.pushanswer import KEEPALIVE_SECONDS, Answer
from gitaly_tx.transport.telling import TELL_AFTER, TELL_EVERY
from protocols.git.sideband import KEEPALIVE
from tests.support.streams import MemorySink


class AnswerTests(SynchronousTestCase):
    """
    ``Answer``.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.stdout, self.stderr = MemorySink(), MemorySink()
        self.answer = Answer(self.clock, self.stdout, self.stderr, True)

    def test_bands(self) -> None:
        """
        Messages, report and end each have their band; nothing is sent for nothing.
        """
        self.successResultOf(Deferred.fromCoroutine(self.answer.tell(b"hello\n")))
        self.successResultOf(Deferred.fromCoroutine(self.answer.tell(b"")))
        self.successResultOf(Deferred.fromCoroutine(self.answer.report(b"0000")))
        self.successResultOf(Deferred.fromCoroutine(self.answer.tell_aside(b"aside\n")))
        self.successResultOf(Deferred.fromCoroutine(self.answer.end()))
        self.assertEqual(self.stdout.data, b"000b\x02hello\n0009\x0100000000")
        self.assertEqual(self.stderr.data, b"aside\n")

    def test_without_bands(self) -> None:
        """
        An old client gets the report as it is, and messages only where there is a place beside.
        """
        plain = Answer(self.clock, self.stdout, self.stderr, False)
        plain.stay_in_touch()
        for coroutine in (plain.tell(b"hello\n"), plain.report(b"0000"), plain.end()):
            self.successResultOf(Deferred.fromCoroutine(coroutine))
        self.assertEqual((self.stdout.data, self.stderr.data), (b"0000", b"hello\n"))
        alone = Answer(self.clock, self.stdout, None, False)
        self.successResultOf(Deferred.fromCoroutine(alone.tell(b"hello\n")))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_one_after_the_other(self) -> None:
        """
        A write waits until the one before it was taken.
        """
        self.stdout.slow = True
        first = Deferred.fromCoroutine(self.answer.tell(b"a"))
        second = Deferred.fromCoroutine(self.answer.tell(b"b"))
        self.assertEqual(self.stdout.data, b"0006\x02a")
        self.stdout.go_on()
        self.successResultOf(first)
        self.successResultOf(second)
        self.assertEqual(self.stdout.data, b"0006\x02a0006\x02b")

    def test_waiting(self) -> None:
        """
        Somebody who waits is told how things stand after a moment, and again when that has changed; never in the midst of
        something else, and never after they were let go on.
        """
        text = b"2 ahead\n"
        with self.answer.waiting(lambda: text):
            self.clock.advance(TELL_AFTER)
            self.clock.advance(TELL_EVERY)
            text = b"1 ahead\n"
            self.clock.advance(TELL_EVERY)
            self.assertEqual(self.stdout.data, b"000d\x022 ahead\n000d\x021 ahead\n")
            text = b""
            self.clock.advance(TELL_EVERY)
            self.stdout.slow = True
            Deferred.fromCoroutine(self.answer.tell(b"a"))
            text = b"busy\n"
            self.clock.advance(TELL_EVERY)
            self.stdout.go_on()
            self.stdout.disconnect()
            self.clock.advance(TELL_EVERY)
        self.assertEqual(self.stdout.data, b"000d\x022 ahead\n000d\x021 ahead\n0006\x02a")
        with self.answer.waiting(lambda: text):
            pass
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_signs_of_life(self) -> None:
        """
        They come when nothing else does, and not while something is on its way.
        """
        self.answer.stay_in_touch()
        self.answer.stay_in_touch()
        self.clock.advance(KEEPALIVE_SECONDS - 1)
        self.successResultOf(Deferred.fromCoroutine(self.answer.tell(b"a")))
        self.clock.advance(KEEPALIVE_SECONDS - 1)
        self.assertEqual(self.stdout.data, b"0006\x02a")
        self.clock.advance(1)
        self.assertEqual(self.stdout.data, b"0006\x02a" + KEEPALIVE)
        self.stdout.slow = True
        waiting = Deferred.fromCoroutine(self.answer.tell(b"b"))
        self.clock.advance(KEEPALIVE_SECONDS)
        self.stdout.go_on()
        self.successResultOf(waiting)
        self.answer.stop()
        self.answer.stop()
        self.clock.advance(KEEPALIVE_SECONDS)
        self.assertEqual(self.stdout.data, b"0006\x02a" + KEEPALIVE + b"0006\x02b")

    def test_no_sign_of_life_to_nobody(self) -> None:
        """
        They end when nobody receives them.
        """
        self.answer.stay_in_touch()
        self.stdout.disconnect()
        self.clock.advance(KEEPALIVE_SECONDS)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_gone(self) -> None:
        """
        A client that is gone is an error first, and none once it does not matter.
        """
        self.stdout.disconnect()
        self.failureResultOf(Deferred.fromCoroutine(self.answer.tell(b"a")), StreamBroken)
        self.answer.let_go()
        self.successResultOf(Deferred.fromCoroutine(self.answer.tell(b"a")))

    def test_cancelled(self) -> None:
        """
        Whoever is cancelled while it writes hears of it.
        """
        self.stdout.slow = True
        waiting = Deferred.fromCoroutine(self.answer.tell(b"a"))
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)

    def test_cut(self) -> None:
        """
        After a cut nobody waits for the client, and nothing more is written.
        """
        self.stdout.slow = True
        waiting = Deferred.fromCoroutine(self.answer.tell(b"a"))
        later = Deferred.fromCoroutine(self.answer.tell(b"b"))
        self.answer.cut()
        self.successResultOf(waiting)
        self.successResultOf(later)
        self.successResultOf(Deferred.fromCoroutine(self.answer.end()))
        self.assertEqual(self.stdout.data, b"0006\x02a")
