"""
Byte sources and sinks for tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from twisted.internet import defer, reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from gitaly_tx.streams import IByteSink, IByteSource, ISpliceSink, StreamBroken


@implementer(IByteSource)
class MemorySource:
    """
    Hands out what it was given, and more when it is given more.

    :param pieces: what comes first.
    :param ends: whether the end follows at once.
    """

    def __init__(self, pieces: Iterable[bytes] = (), ends: bool = True) -> None:
        self._pieces = [piece for piece in pieces if piece]
        self._ends = ends
        self._broken = False
        self._waiting: Deferred[bytes] | None = None

    def read(self) -> Deferred[bytes]:
        """
        As :func:`gitaly_tx.streams.IByteSource.read`.
        """
        assert self._waiting is None, "only one read at a time"
        if self._pieces:
            return defer.succeed(self._pieces.pop(0))
        if self._broken:
            return defer.fail(StreamBroken("gone"))
        if self._ends:
            return defer.succeed(b"")
        self._waiting = Deferred(self._cancelled)
        return self._waiting

    def feed(self, piece: bytes) -> None:
        """
        One more piece.
        """
        self._pieces.append(piece)
        self._tell()

    def end(self) -> None:
        """
        Nothing more comes.
        """
        self._ends = True
        self._tell()

    def disconnect(self) -> None:
        """
        The other side goes away.
        """
        self._broken = True
        self._tell()

    def _cancelled(self, waiting: Deferred[bytes]) -> None:
        self._waiting = None

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.read().chainDeferred(waiting)


@implementer(IByteSink)
class MemorySink:
    """
    Keeps what it is given.

    :param breaks_after: bytes after which nobody receives any more.
    :ivar slow: writes wait until :func:`go_on`.
    """

    def __init__(self, breaks_after: int | None = None, slow: bool = False) -> None:
        self.data = bytearray()
        self.writes: list[int] = []
        self.slow = slow
        self._breaks_after = breaks_after
        self._waiting: list[Deferred[None]] = []
        self._watched: list[tuple[bytes, Deferred[None]]] = []

    def write(self, data: bytes) -> Deferred[None]:
        """
        As :func:`gitaly_tx.streams.IByteSink.write`.
        """
        if self._breaks_after is not None and len(self.data) + len(data) > self._breaks_after:
            return defer.fail(StreamBroken("gone"))
        self.data += data
        self.writes.append(len(data))
        for what, found in [each for each in self._watched if each[0] in self.data]:
            self._watched.remove((what, found))
            # Later, because whoever waits may want to cancel this very write.
            reactor.callLater(0, found.callback, None)
        if not self.slow:
            return defer.succeed(None)
        made: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(made)
        return made

    def contains(self, what: bytes) -> Deferred[None]:
        """
        Fires once ``what`` has come.
        """
        found: Deferred[None] = Deferred()
        if what in self.data:
            found.callback(None)
        else:
            self._watched.append((what, found))
        return found

    def disconnect(self) -> None:
        """
        Whoever received goes away.
        """
        self._breaks_after = -1
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.errback(StreamBroken("gone"))

    def go_on(self) -> None:
        """
        Take what waits, and everything from now on.
        """
        self.slow = False
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)


@implementer(ISpliceSink, IReadDescriptor)
class MemorySpliceSink(MemorySink):
    """
    A sink that reads the pipe itself, as one does that splices.
    """

    def __init__(self, reactor: IReactorFDSet, breaks_after: int | None = None) -> None:
        super().__init__(breaks_after)
        self.spliced = 0
        self._reactor = reactor
        self._pipe = -1
        self._done: Deferred[int] | None = None

    def splice(self, pipe: int) -> Deferred[int]:
        """
        As :func:`gitaly_tx.streams.ISpliceSink.splice`.
        """
        self._pipe = pipe
        self._done = Deferred(lambda _: self._stop())
        self._reactor.addReader(self)
        return self._done

    def pause(self) -> None:
        """
        Take nothing more.
        """
        self._reactor.removeReader(self)

    def fileno(self) -> int:
        """
        Part of IReadDescriptor.
        """
        return self._pipe

    def logPrefix(self) -> str:
        """
        Part of IReadDescriptor.
        """
        return "splice"

    def doRead(self) -> None:
        """
        Part of IReadDescriptor.
        """
        data = os.read(self._pipe, 65536)
        if not data:
            self._finish().callback(self.spliced)
            return
        written: list[object] = []
        self.write(data).addBoth(written.append)
        if isinstance(written[0], Failure):
            self._finish().errback(written[0])
        self.spliced += len(data)

    def connectionLost(self, reason: Failure) -> None:
        """
        Part of IReadDescriptor.
        """
        self._finish().callback(self.spliced)

    def _finish(self) -> Deferred[int]:
        self._stop()
        done, self._done = self._done, None
        assert done is not None
        return done

    def _stop(self) -> None:
        self._reactor.removeReader(self)
