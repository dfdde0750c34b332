"""
The parent's ends of a child's pipes, driven by the reactor.

Twisted's own process support reads 8 KiB at a time and reads whether anybody wants the bytes or not. These read a
:data:`~gitaly_tx.streams.PIECE` when somebody asks, so a child that nobody listens to stops by itself, and its bytes stay in the
kernel.
"""

from __future__ import annotations

import fcntl
import os
import select
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor, IWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from ..streams import PIECE, IByteSink, IByteSource, StreamBroken

PIPE_SIZE = 1 << 20
"""What a pipe with much to carry is made to hold, in bytes: fewer switches between the processes."""

MOST_LARGE_PIPES = 32
"""
How many pipes of :data:`PIPE_SIZE` there may be at once: half of what ``/proc/sys/fs/pipe-user-pages-soft`` allows one user. Past
that limit all new pipes of the user, git's own too, would be made with a page or two.
"""


class LargePipes:
    """
    The large pipes of this process; the limit is the system's and not one object's.
    """

    def __init__(self) -> None:
        self._pipes: set[int] = set()

    def enlarge(self, descriptor: int) -> None:
        """
        Make a pipe large, if there may be another one. Whoever asks has to close it with :func:`close`.
        """
        if descriptor in self._pipes or len(self._pipes) >= MOST_LARGE_PIPES:
            return
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        except OSError:
            return  # The system has its own idea of how much is too much; a small pipe is slower and no less right.
        self._pipes.add(descriptor)

    def close(self, descriptor: int) -> None:
        """
        Close a descriptor, large or not.
        """
        self._pipes.discard(descriptor)
        os.close(descriptor)


large_pipes = LargePipes()
"""Those of this process."""


@implementer(IReadDescriptor, IByteSource)
class PipeReader:
    """
    The reading end of a pipe. It owns the descriptor.

    :ivar exhausted: the end was reached, or :func:`abandon` was called; the descriptor is closed.
    """

    def __init__(self, reactor: IReactorFDSet, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._reactor = reactor
        self._descriptor = descriptor
        self._waiting: Deferred[bytes] | None = None
        self._watched = False
        self._broken = False
        self.exhausted = False
        self.ended: Deferred[None] = Deferred()
        """Fires, once, when ``exhausted`` becomes true."""

    def read(self) -> Deferred[bytes]:
        """
        As :func:`gitaly_tx.streams.IByteSource.read`.
        """
        assert self._waiting is None, "only one read at a time"
        made: Deferred[bytes] = Deferred(self._cancelled)
        if self._broken:
            made.errback(StreamBroken("the child was killed"))
        elif self.exhausted:
            made.callback(b"")
        else:
            self._waiting = made
            self._watch()
        return made

    @property
    def wanted(self) -> bool:
        """
        Whether a read is under way.
        """
        return self._waiting is not None

    def enlarge(self) -> None:
        """
        Prepare for much.
        """
        if not self.exhausted:
            large_pipes.enlarge(self._descriptor)

    def detach(self) -> int:
        """
        Let somebody else read, who is given the descriptor; :func:`finished` or :func:`abandon` ends that.
        """
        assert self._waiting is None, "somebody reads"
        self._unwatch()
        return self._descriptor

    def finished(self) -> None:
        """
        The end was reached.
        """
        self._close()

    def abandon(self) -> None:
        """
        Close without having read all; a read that waits, and later ones, fail. Safe to repeat.
        """
        if not self.exhausted:
            self._broken = True
            self._close()

    def state(self) -> tuple[bool, bool]:
        """
        :returns: whether there are bytes to read now, and whether no process has the writing end open any more.
        """
        if self.exhausted:
            return False, True
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        events = dict(poll.poll(0)).get(self._descriptor, 0)
        return bool(events & select.POLLIN), bool(events & select.POLLHUP)

    def fileno(self) -> int:
        """
        Part of IReadDescriptor.
        """
        return -1 if self.exhausted else self._descriptor

    def logPrefix(self) -> str:
        """
        Part of IReadDescriptor.
        """
        return "child's output"

    def doRead(self) -> None:
        """
        Part of IReadDescriptor: one piece, if somebody waits for it.
        """
        if self._waiting is None:
            # Kept watched between two reads, because most readers ask again at once; this one did not.
            self._unwatch()
            return
        data = self._piece()
        if data:
            waiting, self._waiting = self._waiting, None
            waiting.callback(data)

    def connectionLost(self, reason: Failure) -> None:
        """
        Part of IReadDescriptor: some reactors say so when nobody can write any more and all was read, all when they end.
        """
        self._watched = False
        readable, hung_up = self.state()
        if hung_up and not readable:
            self._close()
        else:
            self.abandon()

    def _piece(self) -> bytes:
        """
        Read what there is. At its end, or if it is broken, the pipe is closed, which tells whoever waits.

        :returns: nothing then, and if there is nothing yet.
        """
        try:
            data = os.read(self._descriptor, PIECE)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError:
            self.abandon()
            return b""
        if not data:
            self._close()
        return data

    def _watch(self) -> None:
        if not self._watched:
            self._watched = True
            self._reactor.addReader(self)

    def _unwatch(self) -> None:
        if self._watched:
            self._watched = False
            self._reactor.removeReader(self)

    def _cancelled(self, waiting: Deferred[bytes]) -> None:
        self._waiting = None
        self._unwatch()

    def _close(self) -> None:
        if self.exhausted:
            return
        self._unwatch()
        self.exhausted = True
        large_pipes.close(self._descriptor)
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            if self._broken:
                waiting.errback(StreamBroken("the child was killed"))
            else:
                waiting.callback(b"")
        self.ended.callback(None)


class PipeDrain(PipeReader):
    """
    Reads all that comes as soon as it comes, and nobody has to ask: what costs less than a reader where there is mostly nothing.

    :param take: called with each piece.
    """

    def __init__(self, reactor: IReactorFDSet, descriptor: int, take: Callable[[bytes], None]) -> None:
        super().__init__(reactor, descriptor)
        self._take = take
        self._watch()

    @property
    def wanted(self) -> bool:
        """
        As long as there may be more.
        """
        return not self.exhausted

    def doRead(self) -> None:
        """
        Part of IReadDescriptor.
        """
        data = self._piece()
        if data:
            self._take(data)


@implementer(IWriteDescriptor, IByteSink)
class PipeWriter:
    """
    The writing end of a pipe. It owns the descriptor.

    :param descriptor: ``None`` for one that is closed from the start.
    """

    def __init__(self, reactor: IReactorFDSet, descriptor: int | None) -> None:
        self._reactor = reactor
        self._descriptor = -1 if descriptor is None else descriptor
        self._rest = memoryview(b"")
        self._waiting: Deferred[None] | None = None
        self._closing = False
        self._closed = descriptor is None
        if descriptor is not None:
            os.set_blocking(descriptor, False)

    def write(self, data: bytes) -> Deferred[None]:
        """
        As :func:`gitaly_tx.streams.IByteSink.write`; done once all of ``data`` is in the pipe. A write that is cancelled may be
        there in part, so nothing can be written after it.
        """
        assert self._waiting is None, "only one write at a time"
        made: Deferred[None] = Deferred(self._cancelled)
        if self._closed or self._closing:
            made.errback(StreamBroken("the child does not read any more"))
            return made
        self._rest = memoryview(data)
        self._waiting = made
        self.doWrite()
        if self._waiting is not None:
            large_pipes.enlarge(self._descriptor)
            self._reactor.addWriter(self)
        return made

    def close(self) -> None:
        """
        Let the child see the end, after what is being written. Safe to repeat.
        """
        self._closing = True
        if self._waiting is None:
            self._close()

    def abandon(self) -> None:
        """
        Close now; a write that waits fails. Safe to repeat.
        """
        self._close()

    def fileno(self) -> int:
        """
        Part of IWriteDescriptor.
        """
        return -1 if self._closed else self._descriptor

    def logPrefix(self) -> str:
        """
        Part of IWriteDescriptor.
        """
        return "child's input"

    def doWrite(self) -> None:
        """
        Part of IWriteDescriptor: as much as the pipe takes.
        """
        try:
            while self._rest:
                self._rest = self._rest[os.write(self._descriptor, self._rest) :]
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._close()
            return
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._reactor.removeWriter(self)
            if self._closing:
                self._close()
            waiting.callback(None)

    def connectionLost(self, reason: Failure) -> None:
        """
        Part of IWriteDescriptor: the child closed its end.
        """
        self._close()

    def _cancelled(self, waiting: Deferred[None]) -> None:
        self._waiting = None
        self._close()

    def _close(self) -> None:
        if self._closed:
            return
        self._reactor.removeWriter(self)
        self._closed = True
        large_pipes.close(self._descriptor)
        self._rest = memoryview(b"")
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.errback(StreamBroken("the child does not read any more"))
