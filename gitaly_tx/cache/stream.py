"""
A stream on disk: one writer, many readers.

The file of a stream is what its maker, as a rule a git child, has as standard output: its bytes do not pass through this process
at all. That it grew is found out by looking, more and more seldom while nothing comes; that it is complete is told by whoever
makes it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from .interfaces import IGrowing, IStream, Produce

if TYPE_CHECKING:
    from .streamcache import StreamCache

SOON = 0.002
"""Seconds until a stream is looked at for the first time."""

LATER = 0.1
"""Seconds between two looks at a stream that does not grow."""

NOTES = 16 * 1024
"""Bytes that are kept of what is said aside."""

T = TypeVar("T")


class InThread(Protocol):
    """
    Does what may block in a thread.
    """

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


@implementer(IStream, IGrowing)
@define(eq=False)
class Stream:
    """
    One of them.

    :ivar readers: how many have joined and not left.
    """

    _cache: StreamCache
    key: bytes
    fd: int = field(default=-1, init=False)
    size: int = field(default=0, init=False)
    notes: bytes = field(default=b"", init=False)
    noted: int = field(default=0, init=False)
    ended: bool = field(default=False, init=False)
    readers: int = field(default=0, init=False)
    _file: IO[bytes] | None = field(default=None, init=False)
    _failure: Failure | None = field(default=None, init=False)
    _forgotten: bool = field(default=False, init=False)
    _making: Deferred[None] | None = field(default=None, init=False)
    _leaving: list[Deferred[None]] = field(factory=list, init=False)
    _opening: list[Deferred[bool]] = field(factory=list, init=False)
    _open: bool | None = field(default=None, init=False)
    _waiting: list[Deferred[bool]] = field(factory=list, init=False)
    _look_timer: IDelayedCall | None = field(default=None, init=False)
    _age_timer: IDelayedCall | None = field(default=None, init=False)
    _pause: float = field(default=SOON, init=False)

    _log = Logger()

    def begin(self, in_thread: InThread, produce: Produce) -> None:
        """
        Make it.
        """
        self._age_timer = self._cache.clock.callLater(self._cache.keeping.max_age, self.forget)
        self._cache.begun(self)
        self._making = Deferred.fromCoroutine(self._make(in_thread, produce(self)))
        self._making.addBoth(self._made)

    def opened(self) -> Deferred[bool]:
        """
        :returns: fires with whether there is a file.
        """
        made: Deferred[bool] = Deferred(self._opening.remove)
        if self._open is None:
            self._opening.append(made)
        else:
            made.callback(self._open)
        return made

    def note(self, text: bytes) -> None:
        """
        Say something aside.
        """
        self.notes = (self.notes + text)[-NOTES:]
        self.noted += len(text)
        self._tell()

    def changed(self, size: int, noted: int, seconds: float) -> Deferred[bool]:
        """
        Wait.
        """
        made: Deferred[bool] = Deferred(self._waiting.remove)
        if self._failure is not None:
            made.errback(Failure(self._failure.value))
        elif self.ended or self._look_whether_it_grew() or size != self.size or noted != self.noted:
            made.callback(True)
        else:
            self._waiting.append(made)
            timer = self._cache.clock.callLater(seconds, self._nothing_new, made)
            made.addBoth(_stop_timer, timer)
            self._look_again()
        return made

    def leave(self) -> Deferred[None]:
        """
        One reader less. A stream without readers is not made any further.
        """
        self.readers -= 1
        left: Deferred[None] = Deferred(lambda _: None)
        if not self.readers and not self.ended:
            self.forget()
            if self._making is not None:
                self._leaving.append(left)
                self._making.cancel()
                return left
        if not self.readers and self._forgotten:
            self._close()
        left.callback(None)
        return left

    def forget(self) -> None:
        """
        Hand it out no more; it is closed with its last reader.
        """
        if self._forgotten:
            return
        self._forgotten = True
        if self._age_timer is not None and self._age_timer.active():
            self._age_timer.cancel()
        self._cache.forgotten(self)
        if not self.readers and self.ended:
            self._close()

    def cancel(self) -> None:
        """
        Do not make it any further.
        """
        if self._making is not None:
            self._making.cancel()

    async def _make(self, in_thread: InThread, work: Coroutine[Any, Any, None]) -> None:
        try:
            try:
                self._file = await in_thread(self._open_file)
            except OSError as error:
                self._log.error("a stream cannot be kept: {error}", error=str(error))
            self._open = self._file is not None
            if self._file is None:
                self.forget()
            else:
                self.fd = self._file.fileno()
            opening, self._opening = self._opening, []
            for waiting in opening:
                waiting.callback(self._open)
            if self._open:
                await work
        finally:
            work.close()

    def _open_file(self) -> IO[bytes] | None:
        """
        :returns: ``None`` if the disk is too full.
        """
        keeping = self._cache.keeping
        os.makedirs(keeping.directory, mode=0o700, exist_ok=True)
        disk = os.statvfs(keeping.directory)
        if disk.f_bavail * disk.f_frsize < keeping.reserve:
            return None
        return tempfile.TemporaryFile(dir=keeping.directory, buffering=0)

    def _made(self, result: Failure | None) -> None:
        self._making = None
        if self._look_timer is not None and self._look_timer.active():
            self._look_timer.cancel()
        if isinstance(result, Failure):
            self._failure = result
            self.forget()
        elif self._open:
            self.size = os.fstat(self.fd).st_size
            self.ended = True
        self._cache.ended(self)
        if self._failure is None:
            self._tell()
        else:
            failed: list[Deferred[bool]] = [*self._opening, *self._waiting]
            self._opening, self._waiting = [], []
            for each in failed:
                each.errback(Failure(self._failure.value))
        if not self.readers and not self.ended:
            self._close()
        leaving, self._leaving = self._leaving, []
        for left in leaving:
            if not left.called:
                left.callback(None)

    def _look_whether_it_grew(self) -> bool:
        size = os.fstat(self.fd).st_size
        if size == self.size:
            return False
        self.size = size
        self._tell()
        return True

    def _look_again(self) -> None:
        if self._look_timer is None or not self._look_timer.active():
            self._pause = SOON
            self._look_timer = self._cache.clock.callLater(self._pause, self._look)

    def _look(self) -> None:
        if not self._look_whether_it_grew() and self._waiting:
            self._pause = min(2 * self._pause, LATER)
            self._look_timer = self._cache.clock.callLater(self._pause, self._look)

    def _nothing_new(self, waiting: Deferred[bool]) -> None:
        self._waiting.remove(waiting)
        waiting.callback(False)

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(True)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _stop_timer(result: T, timer: IDelayedCall) -> T:
    if timer.active():
        timer.cancel()
    return result


__all__ = ["LATER", "NOTES", "SOON", "InThread", "Stream"]
