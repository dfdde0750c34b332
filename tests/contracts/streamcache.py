"""
What every stream cache does.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.cache.interfaces import IGrowing, IStream, IStreamCache


class Maker:
    """
    Makes streams when it is told to.

    :ivar begun: those that it was asked for.
    """

    def __init__(self) -> None:
        self.begun: list[IGrowing] = []
        self.ends: list[Deferred[None]] = []
        self.cancelled = 0

    async def __call__(self, growing: IGrowing) -> None:
        self.begun.append(growing)
        self.ends.append(Deferred())
        try:
            await self.ends[-1]
        except CancelledError:
            self.cancelled += 1
            raise

    def write(self, data: bytes) -> None:
        """
        More bytes.
        """
        os.write(self.begun[-1].fd, data)

    def end(self) -> None:
        """
        No more.
        """
        self.ends[-1].callback(None)

    def fail(self, error: Exception) -> None:
        """
        It cannot be made.
        """
        self.ends[-1].errback(error)


class StreamCacheContract(SynchronousTestCase):
    """
    The contract of :class:`IStreamCache`.
    """

    def make_cache(self) -> IStreamCache:
        """
        One that keeps every stream.
        """
        raise NotImplementedError

    def setUp(self) -> None:
        if type(self) is StreamCacheContract:
            self.skipTest("abstract")
        self.cache = self.make_cache()
        self.maker = Maker()

    def joining(self, key: bytes = b"key", maker: Maker | None = None) -> Deferred[IStream | None]:
        async def joined() -> IStream | None:
            return await self.cache.join(key, maker or self.maker)

        return Deferred.fromCoroutine(joined())

    def join(self, key: bytes = b"key") -> Any:
        stream = self.successResultOf(self.joining(key))
        verifyObject(IStream, stream)
        return stream

    def content(self, stream: Any) -> bytes:
        return os.pread(stream.fd, stream.size, 0)

    def test_provides(self) -> None:
        """
        It is a cache.
        """
        verifyObject(IStreamCache, self.cache)

    def test_shared(self) -> None:
        """
        A stream is made once for all who join while it is made, and for those who come later.
        """
        streams = [self.join() for _ in range(3)]
        self.maker.write(b"abc")
        self.maker.end()
        streams.append(self.join())
        self.assertEqual([self.content(stream) for stream in streams], [b"abc"] * 4)
        self.assertEqual((len(self.maker.begun), [stream.ended for stream in streams]), (1, [True] * 4))
        for stream in streams:
            stream.leave()
        late = self.join()
        self.assertEqual((self.content(late), len(self.maker.begun)), (b"abc", 1))
        late.leave()

    def test_keys(self) -> None:
        """
        Another key is another stream.
        """
        first, other = self.join(b"a"), Maker()
        second: Any = self.successResultOf(self.joining(b"b", other))
        self.maker.write(b"a")
        other.write(b"b")
        self.maker.end()
        other.end()
        self.assertEqual((self.content(first), self.content(second)), (b"a", b"b"))
        first.leave()
        second.leave()

    def test_failure(self) -> None:
        """
        A stream that cannot be made fails for all who read it, and is tried anew for the next.
        """
        streams = [self.join() for _ in range(2)]
        waiting = [stream.changed(0, 0, 60) for stream in streams]
        self.maker.fail(ZeroDivisionError("no"))
        for each in waiting:
            self.failureResultOf(each, ZeroDivisionError)
        self.failureResultOf(streams[0].changed(0, 0, 60), ZeroDivisionError)
        for stream in streams:
            stream.leave()
        again = self.join()
        self.assertEqual(len(self.maker.begun), 2)
        self.maker.end()
        again.leave()

    def test_nobody_reads(self) -> None:
        """
        A stream that nobody reads any more is not made any further, and made anew for the next; as long as somebody reads, it is
        made.
        """
        first, second = self.join(), self.join()
        first.leave()
        self.assertEqual(self.maker.cancelled, 0)
        second.leave()
        self.assertEqual(self.maker.cancelled, 1)
        third = self.join()
        self.assertEqual(len(self.maker.begun), 2)
        third.leave()

    def test_asides(self) -> None:
        """
        Readers hear what the maker says aside, also those who come later.
        """
        stream = self.join()
        waiting = stream.changed(0, 0, 60)
        self.maker.begun[0].note(b"half ")
        self.assertTrue(self.successResultOf(waiting))
        self.maker.begun[0].note(b"done\n")
        late = self.join()
        self.assertEqual((late.notes, late.noted), (b"half done\n", 10))
        self.assertTrue(self.successResultOf(late.changed(0, 5, 60)))
        self.maker.end()
        stream.leave()
        late.leave()
