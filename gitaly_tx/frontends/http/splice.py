"""
From a pipe into a socket, inside the kernel, as HTTP chunks.
"""

from __future__ import annotations

import array
import fcntl
import os
import socket
import termios
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorFDSet, IReactorTime, IReadDescriptor, IWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from ...streams import StreamBroken

GATHER = 0.001
"""Seconds to let an empty pipe fill up before it is looked at again: fewer and larger chunks, at no cost in throughput."""

ENOUGH = 256 * 1024
"""A pipe that holds this many bytes is emptied at once."""

TURN = 1024 * 1024
"""The most bytes to move before others get their turn: some three milliseconds of the kernel's work."""

_MOVE = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK | os.SPLICE_F_MORE


class IReactorForSplice(IReactorFDSet, IReactorTime):
    """
    What moving bytes needs of a reactor.
    """


@implementer(IReadDescriptor)
class _PipeEnd:
    """
    Wakes the splicer up when the pipe has bytes, or its end.
    """

    def __init__(self, fd: int, ready: Callable[[], None]) -> None:
        self._fd = fd
        self.ready = ready

    def doRead(self) -> None:
        """
        The pipe has bytes, or has come to its end.
        """
        self.ready()

    def fileno(self) -> int:
        """
        What the reactor watches.
        """
        return self._fd

    def logPrefix(self) -> str:
        """
        What the log calls it.
        """
        return "splice"

    def connectionLost(self, reason: Failure) -> None:
        """
        The reactor gave the descriptor up; reading it tells us why.
        """
        self.ready()


@implementer(IWriteDescriptor)
class _SocketEnd:
    """
    Wakes the splicer up when the socket takes bytes again.

    The descriptor is a duplicate: the transport's own stays registered for reading, which is how the client's leaving is noticed.
    """

    def __init__(self, fd: int, ready: Callable[[], None]) -> None:
        self._fd = fd
        self.ready = ready

    def doWrite(self) -> None:
        """
        The socket takes bytes.
        """
        self.ready()

    def fileno(self) -> int:
        """
        What the reactor watches.
        """
        return self._fd

    def logPrefix(self) -> str:
        """
        What the log calls it.
        """
        return "splice"

    def connectionLost(self, reason: Failure) -> None:
        """
        The reactor gave the descriptor up; writing to it tells us why.
        """
        self.ready()


class Splicer:
    """
    Moves everything that comes out of a pipe into a connected socket, each portion as one HTTP chunk.

    The size of a chunk is what the pipe holds at that moment (``FIONREAD``), so its header can go first and exactly that many
    bytes follow. Both descriptors are non-blocking; when the socket is full the pipe fills up, and git waits: that is all the
    back-pressure there is to it.

    :param head: bytes to send first: the response's headers.
    :param progress: called with the number of bytes each time some have gone.
    """

    def __init__(
        self, reactor: IReactorForSplice, pipe: int, transport_fd: int, head: bytes, progress: Callable[[int], None]
    ) -> None:
        self._reactor = reactor
        self._pipe = pipe
        self._socket = socket.socket(fileno=os.dup(transport_fd))
        self._socket.setblocking(False)
        self._source = _PipeEnd(pipe, self._pump)
        self._sink = _SocketEnd(self._socket.fileno(), self._pump)
        self._literal = head
        self._chunk = 0
        self._open_chunk = False
        self._progress = progress
        self._moved = 0
        self._later: IDelayedCall | None = None
        self._done: Deferred[int] | None = None

    @property
    def blocked(self) -> bool:
        """
        Whether it waits for the socket.
        """
        return bool(self._chunk or self._literal)

    @property
    def at_boundary(self) -> bool:
        """
        Whether the stream stands between two chunks, so that more can be written after it was stopped.
        """
        return self._chunk == 0 and not self._open_chunk and not self._literal

    def run(self) -> Deferred[int]:
        """
        :returns: fires with the number of bytes moved once the pipe is at its end; fails with StreamBroken if the socket is
            closed. Cancelling it stops at once, wherever the stream stands.
        """
        self._done = Deferred(lambda _: self._release())
        self._pump()
        return self._done

    def _pump(self) -> None:
        if self._later is not None:
            if self._later.active():
                self._later.cancel()
            self._later = None
        self._reactor.removeReader(self._source)
        self._reactor.removeWriter(self._sink)
        if self._done is None:
            return
        try:
            self._turn()
        except (BrokenPipeError, ConnectionError):
            self._finish(Failure(StreamBroken("client went away")))
        except OSError:
            self._finish(Failure())

    def _turn(self) -> None:
        moved = 0
        while moved < TURN:
            if self._literal and not self._send_literal():
                return
            if self._chunk:
                try:
                    count = os.splice(self._pipe, self._socket.fileno(), self._chunk, flags=_MOVE)
                except BlockingIOError:
                    self._reactor.addWriter(self._sink)
                    return
                self._chunk -= count
                self._moved += count
                moved += count
                self._progress(count)
                continue
            waiting = self._waiting()
            if waiting == 0:
                if moved:
                    # The pipe was emptied: let it fill up a little instead of waking up for every write of git's.
                    self._later = self._reactor.callLater(GATHER, self._look)
                    return
                self._look()
                return
            self._begin_chunk(waiting)
        self._later = self._reactor.callLater(0, self._pump)

    def _look(self) -> None:
        """
        Go on if the pipe has bytes; otherwise wait for them, or for the pipe's end.
        """
        self._later = None
        if self._done is None:
            return
        if self._waiting():
            self._pump()
        else:
            self._source.ready = self._readable
            self._reactor.addReader(self._source)

    def _readable(self) -> None:
        self._reactor.removeReader(self._source)
        waiting = self._waiting()
        if waiting == 0:
            # Readable and empty is what the end looks like. A byte that came just now is not lost: it goes as a chunk.
            try:
                late = os.read(self._pipe, 1)
            except BlockingIOError:
                self._reactor.addReader(self._source)
                return
            if not late:
                self._close_chunk()
                return
            self._literal += self._chunk_end() + b"1\r\n" + late
            self._open_chunk = True
            self._moved += 1
            self._progress(1)
        elif waiting < ENOUGH:
            self._later = self._reactor.callLater(GATHER, self._pump)
            return
        self._pump()

    def _close_chunk(self) -> None:
        self._literal += self._chunk_end()
        try:
            if self._literal and not self._send_literal():
                # All of git's bytes are away; only a line end is not, and the socket is full.
                self._sink.ready = self._close_chunk
                return
        except OSError:
            self._finish(Failure(StreamBroken("client went away")))
            return
        self._finish(None)

    def _chunk_end(self) -> bytes:
        ended, self._open_chunk = self._open_chunk, False
        return b"\r\n" if ended else b""

    def _begin_chunk(self, size: int) -> None:
        self._literal += self._chunk_end() + b"%x\r\n" % size
        self._chunk = size
        self._open_chunk = True

    def _send_literal(self) -> bool:
        """
        :returns: whether all of it has gone; otherwise the reactor calls again.
        """
        try:
            count = self._socket.send(self._literal, socket.MSG_MORE if self._chunk else 0)
        except BlockingIOError:
            count = 0
        self._literal = self._literal[count:]
        if self._literal:
            self._reactor.addWriter(self._sink)
            return False
        return True

    def _waiting(self) -> int:
        count = array.array("i", [0])
        fcntl.ioctl(self._pipe, termios.FIONREAD, count)
        return count[0]

    def _finish(self, failure: Failure | None) -> None:
        done = self._done
        self._release()
        if done is None:
            return
        if failure is None:
            done.callback(self._moved)
        else:
            done.errback(failure)

    def _release(self) -> None:
        """
        Let go of everything; nobody calls us any more.
        """
        self._done = None
        self._reactor.removeReader(self._source)
        self._reactor.removeWriter(self._sink)
        if self._later is not None and self._later.active():
            self._later.cancel()
        self._later = None
        self._socket.close()
