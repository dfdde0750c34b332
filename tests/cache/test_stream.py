"""
Tests for :mod:`gitaly_tx.cache.stream` and :mod:`gitaly_tx.cache.streamcache`.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.cache.interfaces import IStreamCache
from gitaly_tx.cache.stream import LATER, NOTES, SOON
from gitaly_tx.cache.streamcache import REMEMBERED, Keeping, StreamCache, Told, Unkept
from tests.contracts import streamcache


class StreamCacheTests(streamcache.StreamCacheContract):
    """
    ``StreamCache`` keeps the contract; what it keeps is bounded.
    """

    def make_cache(self) -> IStreamCache:
        return self.make()

    def make(self, **settings: Any) -> StreamCache:
        self.clock = Clock()
        self.directory = os.path.abspath(self.mktemp())
        self.looked_up: list[str] = []
        self.made: list[int] = []
        self.kept = (0, 0)
        self.blocked: Deferred[None] | None = None

        async def in_thread(work: Any) -> Any:
            if self.blocked is not None:
                await self.blocked
            return work()

        def kept(count: int, size: int) -> None:
            self.kept = count, size

        settings = {"reserve": 0, **settings}
        told = Told(self.looked_up.append, self.made.append, kept)
        self.cache = made = StreamCache(self.clock, in_thread, Keeping(self.directory, **settings), told)
        return made

    def whole(self, key: bytes, size: int = 3) -> Any:
        """
        A stream that is complete.
        """
        stream = self.join(key)
        self.maker.write(b"x" * size)
        self.maker.end()
        return stream

    def descriptors(self) -> int:
        """
        How many files below the cache's directory are open.
        """
        count = 0
        for number in os.listdir("/proc/self/fd"):
            try:
                count += os.readlink(f"/proc/self/fd/{number}").startswith(self.directory)
            except OSError:
                continue
        return count

    def test_growing(self) -> None:
        """
        Growth is found by looking, soon at first and then more and more seldom; everybody who waits learns of it.
        """
        first, second = self.join(), self.join()
        waiting = [stream.changed(0, 0, 60) for stream in (first, second)]
        self.clock.advance(SOON)
        self.clock.advance(2 * SOON)
        self.maker.write(b"abc")
        self.assertNoResult(waiting[0])
        self.clock.advance(4 * SOON)
        self.assertEqual([self.successResultOf(each) for each in waiting], [True, True])
        self.assertEqual((first.size, second.size), (3, 3))
        waiting = [first.changed(3, 0, 60)]
        for _ in range(20):
            self.clock.advance(LATER)
        self.assertNoResult(waiting[0])
        self.maker.write(b"d")
        other = second.changed(3, 0, 60)
        self.assertTrue(self.successResultOf(other))
        self.assertTrue(self.successResultOf(waiting[0]), "one who looks tells the others")
        self.assertTrue(self.successResultOf(first.changed(3, 0, 60)), "it grew since that reader looked")
        self.maker.end()
        first.leave()
        second.leave()
        self.cache.stop()  # type: ignore[attr-defined]
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_patience(self) -> None:
        """
        Somebody who waits for a certain time only is told that nothing happened.
        """
        stream = self.join()
        waiting = stream.changed(0, 0, 1)
        self.clock.pump([0.3] * 4)
        self.assertFalse(self.successResultOf(waiting))
        cancelled = stream.changed(0, 0, 1)
        cancelled.cancel()
        self.failureResultOf(cancelled, CancelledError)
        stream.leave()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_age(self) -> None:
        """
        After its time a stream is made anew for the next; those who read it go on, and with the last of them it is gone.
        """
        self.make(max_age=10)
        old = self.whole(b"key")
        self.clock.advance(9)
        self.join(b"key").leave()
        self.assertEqual((len(self.maker.begun), self.kept), (1, (1, 3)))
        self.clock.advance(1)
        self.assertEqual((self.kept, self.content(old), self.descriptors()), ((0, 0), b"xxx", 1))
        new = self.join(b"key")
        self.assertEqual((len(self.maker.begun), self.descriptors()), (2, 2))
        old.leave()
        self.assertEqual(self.descriptors(), 1)
        self.maker.end()
        new.leave()
        self.clock.advance(10)
        self.assertEqual((self.descriptors(), self.clock.getDelayedCalls()), (0, []))
        self.assertEqual(self.looked_up, ["miss", "hit", "miss"])

    def test_size(self) -> None:
        """
        When there is too much, the oldest that nobody reads go.
        """
        self.make(max_size=10)
        self.whole(b"a", 4).leave()
        read = self.whole(b"b", 4)
        self.whole(b"c", 4).leave()
        self.assertEqual((self.kept, self.made), ((2, 8), [4, 4, 4]))
        self.whole(b"d", 4).leave()
        self.assertEqual((self.kept, self.descriptors()), ((2, 8), 2))
        self.join(b"b").leave()
        self.assertEqual(len(self.maker.begun), 4)
        read.leave()

    def test_occurrences(self) -> None:
        """
        What is asked for too seldom is not kept; times that are long ago do not count.
        """
        self.make(min_occurrences=3, max_age=10)
        for seconds, expected in ((0, False), (6, False), (6, False), (1, False), (1, True), (0, True)):
            self.clock.advance(seconds)
            stream = self.successResultOf(self.joining())
            self.assertEqual(stream is not None, expected)
        self.assertEqual(len(self.maker.begun), 1)
        for number in range(REMEMBERED + 1):
            self.successResultOf(self.joining(b"%d" % number))
        self.assertIsNone(self.successResultOf(self.joining(b"0")))
        self.maker.end()

    def test_full_disk(self) -> None:
        """
        On a disk that is nearly full nothing is kept, and nothing is made.
        """
        self.make(reserve=1 << 62)
        self.assertIsNone(self.successResultOf(self.joining()))
        self.assertEqual((self.maker.begun, self.kept, self.clock.getDelayedCalls()), ([], (0, 0), []))

    def test_no_directory(self) -> None:
        """
        Where no file can be made nothing is kept.
        """
        self.make()
        with open(self.directory, "w"):
            pass
        self.assertIsNone(self.successResultOf(self.joining()))
        self.assertEqual(self.maker.begun, [])

    def test_leaving_early(self) -> None:
        """
        A reader that goes before there is a file has asked for nothing; one that stays gets its stream.
        """
        self.make()
        self.blocked = Deferred()
        first, second = self.joining(), self.joining()
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.blocked.callback(None)
        stream: Any = self.successResultOf(second)
        self.assertEqual((len(self.maker.begun), stream.readers), (1, 1))
        stream.leave()
        self.blocked = Deferred()
        third = self.joining()
        third.cancel()
        self.failureResultOf(third, CancelledError)
        self.assertEqual((len(self.maker.begun), self.descriptors(), self.clock.getDelayedCalls()), (1, 0, []))

    def test_stopping(self) -> None:
        """
        Stopping ends what is being made, and lets go of the rest.
        """
        self.make()
        self.whole(b"a").leave()
        being_made = self.join(b"b")
        waiting = being_made.changed(0, 0, 60)
        self.cache.stop()  # type: ignore[attr-defined]
        self.failureResultOf(waiting, CancelledError)
        being_made.leave()
        self.assertEqual((self.maker.cancelled, self.descriptors(), self.clock.getDelayedCalls()), (1, 0, []))

    def test_many_words(self) -> None:
        """
        Of what is said aside the last is kept.
        """
        stream = self.join()
        self.maker.begun[0].note(b"a" * NOTES)
        self.maker.begun[0].note(b"end")
        self.assertEqual((len(stream.notes), stream.notes[-4:], stream.noted), (NOTES, b"aend", NOTES + 3))
        stream.leave()

    def test_no_name(self) -> None:
        """
        The files have no names: a server that is killed leaves nothing behind.
        """
        stream = self.join()
        self.assertEqual(os.listdir(self.directory), [])
        stream.leave()


class UnkeptTests(SynchronousTestCase):
    """
    ``Unkept``.
    """

    def test_nothing(self) -> None:
        """
        It keeps nothing, and makes nothing.
        """
        maker = streamcache.Maker()
        self.assertIsNone(self.successResultOf(Deferred.fromCoroutine(Unkept().join(b"key", maker))))
        self.assertEqual(maker.begun, [])
