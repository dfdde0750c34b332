"""
What goes back to a client that pushes: progress and messages, then the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from protocols.git.pktline import FLUSH
from protocols.git.sideband import BAND_DATA, BAND_PROGRESS, KEEPALIVE, encode

from ..streams import IByteSink, StreamBroken
from .telling import telling

KEEPALIVE_SECONDS = 5.0
"""How long a client that has sent everything hears nothing, before it is told that somebody is still there."""


@define(eq=False)
class Answer:
    """
    The way back to the client, with sidebands if it understands them. Writes go out one after the other, whoever makes them.

    Until :func:`let_go`, a client that is gone is an error for whoever writes; afterwards writes to it are dropped, because what
    is left to do must be done without it too.

    :param stdout: the protocol's stream.
    :param stderr: the stream beside it, where the wire has one.
    :param sidebands: whether the client understands them. Messages for clients that do not go to ``stderr``.
    """

    _clock: IReactorTime
    _stdout: IByteSink
    _stderr: IByteSink | None
    sidebands: bool
    _lock: DeferredLock = field(factory=DeferredLock, init=False)
    _alone: bool = field(default=False, init=False)
    _cut: bool = field(default=False, init=False)
    _writing: Deferred[None] | None = field(default=None, init=False)
    _timer: IDelayedCall | None = field(default=None, init=False)

    async def tell(self, data: bytes) -> None:
        """
        Show the user something, such as what a hook says.

        :raises StreamBroken: if the client is gone.
        """
        if self.sidebands:
            await self._write(self._stdout, b"".join(encode(BAND_PROGRESS, data)))
        else:
            await self.tell_aside(data)

    async def tell_aside(self, data: bytes) -> None:
        """
        Write to ``stderr``, if there is one.

        :raises StreamBroken: if the client is gone.
        """
        if self._stderr is not None:
            await self._write(self._stderr, data)

    async def report(self, data: bytes) -> None:
        """
        Send the report.

        :raises StreamBroken: if the client is gone.
        """
        await self._write(self._stdout, b"".join(encode(BAND_DATA, data)) if self.sidebands else data)

    async def end(self) -> None:
        """
        Say that nothing more comes.

        :raises StreamBroken: if the client is gone.
        """
        self.stop()
        if self.sidebands:
            await self._write(self._stdout, FLUSH)

    @contextmanager
    def waiting(self, words: Callable[[], bytes]) -> Iterator[None]:
        """
        While the ``with`` block lasts, show the user now and then what there is to say, if it is something new.

        :param words: says it; nothing for nothing.
        """
        told = b""

        def tell() -> None:
            nonlocal told
            new = words()
            if new and new != told and not self._lock.locked:
                told = new
                Deferred.fromCoroutine(self.tell(new)).addErrback(lambda failure: failure.trap(StreamBroken, CancelledError))

        with telling(self._clock, tell):
            yield

    def let_go(self) -> None:
        """
        From here on nobody depends on the client any more.
        """
        self._alone = True

    def cut(self) -> None:
        """
        The client is gone. Nothing is written any more, and nobody waits for what is being written.
        """
        self._alone = self._cut = True
        self.stop()
        if self._writing is not None:
            self._writing.cancel()

    def stay_in_touch(self) -> None:
        """
        The client has sent everything and only waits: show a sign of life now and then, so that nothing between it and us takes
        the connection for dead. Not before, because many HTTP clients read no answer while they still send.
        """
        if self.sidebands and self._timer is None:
            self._timer = self._clock.callLater(KEEPALIVE_SECONDS, self._show_life)

    def stop(self) -> None:
        """
        No more signs of life. Safe to repeat.
        """
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _show_life(self) -> None:
        self._timer = self._clock.callLater(KEEPALIVE_SECONDS, self._show_life)
        if not self._lock.locked:
            Deferred.fromCoroutine(self._write(self._stdout, KEEPALIVE)).addErrback(lambda _: self.stop())

    async def _write(self, sink: IByteSink, data: bytes) -> None:
        if not data:
            return
        if self._timer is not None and self._timer.active():
            self._timer.reset(KEEPALIVE_SECONDS)
        await self._lock.acquire()
        try:
            if not self._cut:
                self._writing = Deferred.fromCoroutine(_written(sink, data))
                await self._writing
        except StreamBroken:
            if not self._alone:
                raise
        except CancelledError:
            if not self._cut:
                raise
        finally:
            self._writing = None
            self._lock.release()


async def _written(sink: IByteSink, data: bytes) -> None:
    await sink.write(data)
