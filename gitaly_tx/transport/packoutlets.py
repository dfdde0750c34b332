"""
From the file of a pack to a client, in the packets of git's sideband; from that of a bundle, as it is.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet, IWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import Attribute, Interface, implementer

from protocols.git.sideband import BAND_DATA, LARGE, encoded

from ..git.descriptor import Descriptor
from ..git.pipes import large_pipes
from ..storage.threads import Threads
from ..streams import PIECE, IByteSink, ISpliceSink, StreamBroken

ROOM: Final = LARGE - 5
"""The most bytes of one packet."""

ATOMIC: Final = 4096
"""Bytes that go into a pipe as a whole or not at all (``PIPE_BUF``)."""


_desk: Final = memoryview(bytearray(PIECE))
"""What is read in the reactor's thread is put here, and copied at once."""


class IOutlet(Interface):
    """
    The way to a client.
    """

    sent: int = Attribute("How many bytes of the file went that way.")

    def literal(data: bytes) -> Awaitable[None]:
        """
        Send packets that are ready.
        """

    def span(start: int, end: int) -> Awaitable[None]:
        """
        Send a part of the file, as packets of band 1.
        """

    def end() -> Awaitable[None]:
        """
        Wait until everything has gone; nothing comes after.
        """

    def close() -> None:
        """
        Let go of everything. Safe to repeat.
        """


@implementer(IOutlet)
class SinkOutlet:
    """
    Reads pieces and writes them. What is not in the kernel's memory is read in a thread.

    :param file: closed with this.
    :param plain: send the file as it is, not in packets.
    """

    def __init__(self, threads: Threads, file: Descriptor, sink: IByteSink, plain: bool = False) -> None:
        self._threads = threads
        self._file = file
        self._sink = sink
        self._made: Callable[[bytes | memoryview], bytes] = bytes if plain else _framed
        self.sent = 0

    async def literal(self, data: bytes) -> None:
        """
        Send packets.
        """
        await self._sink.write(data)

    async def span(self, start: int, end: int) -> None:
        """
        Send a part of the file.
        """
        while start < end:
            count = min(PIECE // LARGE * ROOM, end - start)
            data = self._cached(start, count)
            if data is None:
                data = await self._threads.run(self._read, start, count)
            await self._sink.write(data)
            start += count
            self.sent += count

    async def end(self) -> None:
        """
        Nothing is held back here.
        """

    def close(self) -> None:
        """
        Let go of the file.
        """
        self._file.close()

    def _cached(self, start: int, count: int) -> bytes | None:
        """
        Read what needs no disk: to copy it takes a tenth of what a thread costs.

        :returns: ``None`` if the disk would have to be waited for, or if the file system cannot tell.
        """
        with self._file.used() as file:
            try:
                read = os.preadv(file, [_desk[:count]], start, os.RWF_NOWAIT)
            except OSError:
                return None
        return self._made(_desk[:count]) if read == count else None

    def _read(self, start: int, count: int) -> bytes:
        """
        In a thread.
        """
        with self._file.used() as file:
            data = os.pread(file, count, start)
        if len(data) != count:
            raise OSError("a pack that is kept has become shorter")
        return self._made(data)


def _framed(data: bytes | memoryview) -> bytes:
    return encoded(BAND_DATA, data)


@implementer(IOutlet)
class PipeOutlet:
    """
    Fills a pipe, out of which the sink takes the bytes without their entering Python.

    A thread moves at once what the pipe has room for; it never waits for the client.

    :param file: closed with this.
    :param plain: send the file as it is, not in packets.
    """

    def __init__(
        self, reactor: IReactorFDSet, threads: Threads, file: Descriptor, sink: ISpliceSink, plain: bool = False
    ) -> None:
        self._threads = threads
        self._file = file
        self._plain = plain
        reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        large_pipes.enlarge(writing)
        self._pipe = Descriptor(writing)
        self._room = _Room(reactor, writing)
        self._left = 0
        self._problem: BaseException | None = None
        self.sent = 0
        self._moving = Deferred.fromCoroutine(_move(sink, reading))
        self._moving.addErrback(self._broke)

    async def literal(self, data: bytes) -> None:
        """
        Send packets.
        """
        for at in range(0, len(data), ATOMIC):
            while not self._written(data[at : at + ATOMIC]):
                await self._room.there()

    async def span(self, start: int, end: int) -> None:
        """
        Send a part of the file.
        """
        while start < end:
            self._check()
            try:
                at = await self._threads.run(self._push, start, end)
            except BrokenPipeError as error:
                raise StreamBroken("client went away") from error
            if at < end:
                await self._room.there()
            self.sent += at - start
            start = at

    async def end(self) -> None:
        """
        Wait until the client's side took everything.
        """
        self._room.close()
        self._pipe.close()
        await self._moving
        self._check()

    def close(self) -> None:
        """
        Let go of the file and of the pipe.
        """
        self._room.close()
        self._pipe.close()
        self._file.close()
        self._moving.cancel()

    def _check(self) -> None:
        if self._problem is not None:
            raise self._problem

    def _broke(self, failure: Failure) -> None:
        self._problem = failure.value
        self._room.close()

    def _written(self, data: bytes) -> bool:
        self._check()
        try:
            with self._pipe.used() as pipe:
                os.write(pipe, data)
        except BlockingIOError:
            return False
        except BrokenPipeError as error:
            # Whoever reads the pipe for the client has let go of it, and has not said so yet.
            raise StreamBroken("client went away") from error
        return True

    def _push(self, start: int, end: int) -> int:
        """
        In a thread: move what there is room for.

        :returns: where the rest begins.
        """
        with self._file.used() as file, self._pipe.used() as pipe:
            while start < end:
                try:
                    if self._plain:
                        self._left = end - start
                    elif not self._left:
                        count = min(ROOM, end - start)
                        os.write(pipe, b"%04x%c" % (count + 5, BAND_DATA))
                        self._left = count
                    moved = os.splice(file, pipe, self._left, offset_src=start, flags=os.SPLICE_F_NONBLOCK)
                except BlockingIOError:
                    break
                if not moved:
                    raise OSError("a pack that is kept has become shorter")
                self._left -= moved
                start += moved
        return start


async def _move(sink: ISpliceSink, reading: int) -> None:
    try:
        await sink.splice(reading)
    finally:
        os.close(reading)


@implementer(IWriteDescriptor)
class _Room:
    """
    Waits until a pipe has room.
    """

    def __init__(self, reactor: IReactorFDSet, descriptor: int) -> None:
        self._reactor = reactor
        self._descriptor = descriptor
        self._waiting: Deferred[None] | None = None
        self._closed = False

    def there(self) -> Deferred[None]:
        """
        :returns: fires as soon as there is room; fails with StreamBroken if it never will.
        """
        made: Deferred[None] = Deferred(self._cancelled)
        if self._closed:
            made.errback(StreamBroken("client went away"))
        else:
            self._waiting = made
            self._reactor.addWriter(self)
        return made

    def close(self) -> None:
        """
        Nobody waits any more; whoever does is told so. Safe to repeat.
        """
        self._closed = True
        waiting = self._stop()
        if waiting is not None:
            waiting.errback(StreamBroken("client went away"))

    def fileno(self) -> int:
        """
        Part of IWriteDescriptor.
        """
        return self._descriptor

    def logPrefix(self) -> str:
        """
        Part of IWriteDescriptor.
        """
        return "pack"

    def doWrite(self) -> None:
        """
        Part of IWriteDescriptor: there is room.
        """
        waiting = self._stop()
        if waiting is not None:
            waiting.callback(None)

    def connectionLost(self, reason: Failure) -> None:
        """
        Part of IWriteDescriptor: nobody reads any more.
        """
        self.close()

    def _cancelled(self, _: Deferred[None]) -> None:
        self._stop()

    def _stop(self) -> Deferred[None] | None:
        self._reactor.removeWriter(self)
        waiting, self._waiting = self._waiting, None
        return waiting
