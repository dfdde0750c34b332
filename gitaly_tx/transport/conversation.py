"""
A client talks with a git child: bytes go both ways at the same time, and if one side goes away so does the other.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import Code, GitalyError
from ..git.interfaces import Ended, IChild
from ..streams import IByteSink, IByteSource, ISpliceSink, StreamBroken


class Conversation:
    """
    Moves bytes between a client and a child until the child has ended.

    The child is killed as soon as the client is known to be gone, and when whoever runs the conversation is cancelled.

    :param child: just started.
    :param source: what the client sends. Its end closes the child's standard input.
    :param stdout: where the child's standard output goes.
    :param heard: given each piece of the client's before the child is.
    :ivar input_ended: the client has said all.
    """

    def __init__(self, child: IChild, source: IByteSource, stdout: IByteSink, heard: Callable[[bytes], None]) -> None:
        self._child = child
        self._source = source
        self._stdout = _CountingSink(stdout)
        self._spliced = ISpliceSink(stdout) if ISpliceSink.providedBy(stdout) else None
        self._spliced_before = 0 if self._spliced is None else self._spliced.spliced
        self._heard = heard
        self._problem: BaseException | None = None
        self.input_ended = False

    @property
    def sent(self) -> int:
        """
        How many bytes of output the client's side took so far.
        """
        spliced = 0 if self._spliced is None else self._spliced.spliced - self._spliced_before
        return self._stdout.count + spliced

    async def run(self) -> Ended:
        """
        :returns: how the child ended.
        :raises StreamBroken: if the client went away; the child is gone then, too.
        """
        hearing = Deferred.fromCoroutine(self._hear())
        hearing.addErrback(self._broken_off)
        try:
            try:
                await self._child.send_stdout_to(self._stdout if self._spliced is None else self._spliced)
            except StreamBroken as error:
                self._broken_off(Failure(error))
            ended = await self._child.wait()
        except CancelledError:
            self._child.kill()
            await self._child.wait()
            raise
        except BaseException:
            self._child.kill()
            raise
        finally:
            hearing.cancel()
        if self._problem is not None:
            raise self._problem
        return ended

    async def _hear(self) -> None:
        while data := await self._source.read():
            self._heard(data)
            if not await self._tell(data):
                return
        self.input_ended = True
        self._child.close_stdin()

    async def _tell(self, data: bytes) -> bool:
        """
        :returns: whether the child wants to hear more.
        """
        try:
            await self._child.stdin.write(data)
        except StreamBroken:
            return False
        return True

    def _broken_off(self, failure: Failure) -> None:
        if failure.check(CancelledError) is None:
            self._problem = self._problem or failure.value
            self._child.kill()


@implementer(IByteSink)
class _CountingSink:
    """
    Counts what passes.
    """

    def __init__(self, inner: IByteSink) -> None:
        self._inner = inner
        self.count = 0

    async def write(self, data: bytes) -> None:
        """
        As the inner sink.
        """
        await self._inner.write(data)
        self.count += len(data)


@implementer(IByteSource)
class Continued:
    """
    A source of which a piece was taken already.
    """

    def __init__(self, first: bytes, rest: IByteSource) -> None:
        self._first = first
        self._rest = rest

    async def read(self) -> bytes:
        """
        That piece, then the rest.
        """
        first, self._first = self._first, b""
        return first or await self._rest.read()


class Deadline:
    """
    A time until which something has to be reached, or the child is killed.

    :param seconds: from now.
    :param reached: asked when the time has come.
    """

    def __init__(self, clock: IReactorTime, seconds: float, child: IChild, reached: Callable[[], bool]) -> None:
        self._child = child
        self._reached = reached
        self._missed = False
        self._timer = clock.callLater(seconds, self._time_is_up)

    def stop(self) -> None:
        """
        It does not matter any more. Safe to repeat.
        """
        if self._timer.active():
            self._timer.cancel()

    def check(self) -> None:
        """
        :raises GitalyError: DEADLINE_EXCEEDED if the time came too early.
        """
        if self._missed:
            raise GitalyError("waiting for negotiation: context canceled", Code.DEADLINE_EXCEEDED)

    def _time_is_up(self) -> None:
        if not self._reached():
            self._missed = True
            self._child.kill()
