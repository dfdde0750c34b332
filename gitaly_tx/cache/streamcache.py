"""
IStreamCache on disk: which streams are kept, and for how long.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from .interfaces import IStream, IStreamCache, Produce
from .stream import InThread, Stream

RESERVE = 1 << 30
"""Bytes of the disk that are left to others."""

REMEMBERED = 10_000
"""Keys of which it is known how often they were asked for."""


@frozen
class Told:
    """
    Who wants to know.

    :param looked_up: ``hit`` or ``miss``, for each reader.
    :param made: bytes that were made.
    :param kept: streams, and their bytes, that are kept now.
    """

    looked_up: Callable[[str], object]
    made: Callable[[int], object]
    kept: Callable[[int, int], object]


def _nobody(*_: object) -> None:
    pass


UNTOLD = Told(_nobody, _nobody, _nobody)
"""For those who count nothing."""


@frozen
class Keeping:
    """
    What is kept.

    :param directory: where; made when it is needed.
    :param max_age: seconds after which a stream is made anew.
    :param max_size: bytes of all streams, after which the oldest go first. What is being read or made stays until then.
    :param min_occurrences: a stream is kept from so many times on that it was asked for within ``max_age``.
    :param reserve: bytes that the disk must have free.
    """

    directory: str
    max_age: float = 300.0
    max_size: int = 10 << 30
    min_occurrences: int = 1
    reserve: int = RESERVE


@implementer(IStreamCache)
class StreamCache:
    """
    Streams on this machine's disk.
    """

    def __init__(self, clock: IReactorTime, in_thread: InThread, keeping: Keeping, told: Told = UNTOLD) -> None:
        self.clock = clock
        self.keeping = keeping
        self.told = told
        self._in_thread = in_thread
        self._streams: OrderedDict[bytes, Stream] = OrderedDict()
        self._asked: OrderedDict[bytes, tuple[int, float]] = OrderedDict()
        self._under_way: set[Stream] = set()

    async def join(self, key: bytes, produce: Produce) -> IStream | None:
        """
        Read a stream.
        """
        stream = self._streams.get(key)
        if stream is None:
            self.told.looked_up("miss")
            if not self._often(key):
                return None
            # From here to where it stands among the others nothing is awaited: of several who ask at once, one makes it.
            stream = self._streams[key] = Stream(self, key)
            stream.begin(self._in_thread, produce)
        else:
            self.told.looked_up("hit")
        stream.readers += 1
        try:
            there = await stream.opened()
        except BaseException:
            stream.leave()
            raise
        if not there:
            stream.leave()
            return None
        return stream

    def stop(self) -> None:
        """
        Let go of everything, and end what is being made.
        """
        for stream in list(self._streams.values()):
            stream.forget()
        for stream in list(self._under_way):
            stream.cancel()

    @property
    def kept(self) -> tuple[int, int]:
        """
        How many streams, and how many bytes, are kept.
        """
        return len(self._streams), sum(stream.size for stream in self._streams.values())

    def begun(self, stream: Stream) -> None:
        """
        For streams.
        """
        self._under_way.add(stream)

    def ended(self, stream: Stream) -> None:
        """
        For streams: it is complete, or never will be.
        """
        self._under_way.discard(stream)
        if stream.ended:
            self.told.made(stream.size)
            self._make_room()

    def forgotten(self, stream: Stream) -> None:
        """
        For streams: it is not handed out any more.
        """
        if self._streams.get(stream.key) is stream:
            del self._streams[stream.key]
            self.told.kept(*self.kept)

    def _often(self, key: bytes) -> bool:
        if self.keeping.min_occurrences <= 1:
            return True
        now = self.clock.seconds()
        count, since = self._asked.pop(key, (0, now))
        if now - since > self.keeping.max_age:
            count, since = 0, now
        self._asked[key] = count + 1, since
        while len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)
        return count + 1 >= self.keeping.min_occurrences

    def _make_room(self) -> None:
        _, size = self.kept
        for stream in list(self._streams.values()):
            if size <= self.keeping.max_size:
                break
            if stream.ended and not stream.readers:
                size -= stream.size
                stream.forget()
        self.told.kept(*self.kept)


@implementer(IStreamCache)
class Unkept:
    """
    Keeps nothing.
    """

    async def join(self, key: bytes, produce: Produce) -> IStream | None:
        """
        Nothing is worth keeping.
        """
        return None


__all__ = ["REMEMBERED", "UNTOLD", "Keeping", "StreamCache", "Told", "Unkept"]
