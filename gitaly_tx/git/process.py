"""
A running child: a git, or a hook.

How it ends. The reactor learns from a pidfd that the leader has ended, and leaves it a zombie until its output is taken: as long
as nobody waits for it, no other process can get its number, so the whole group can be killed without hitting a stranger. A
process that the leader left behind may keep the pipes open. So once the leader has ended, a look every :data:`GRACE` seconds
tells a slow reader (there are bytes in the pipe) from a pipe that somebody holds open for nothing (there are none): then the
group is killed, and the pipes are closed.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorFDSet, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from ..streams import PIECE, IByteSink, ISpliceSink, StreamBroken
from .interfaces import Ended, IChild, Limits, Usage
from .pidfd import ProcessEnd
from .pipes import PipeDrain, PipeReader, PipeWriter

BULK = 16 * 1024
"""A piece of output at least so large is part of a pack, not of a conversation."""

GATHER = 0.004
"""Seconds to wait for more of a pack, when what came did not fill a piece."""

GRACE = 2.0
"""Seconds after a child's end in which others may still write to its pipes."""

KEPT_STDERR = 64 * 1024
"""How much of the end of standard error is kept, in bytes."""

FORWARDED_STDERR = 16 * 1024 * 1024
"""The most of standard error that is sent on, in bytes; what comes after is read and dropped, so that the child goes on."""

Told = Callable[["Child", Ended], None]

log = Logger()


@implementer(IChild)
class Child:
    """
    Made by :func:`start`.

    :ivar timed_out: it was killed because its real time was up.
    """

    def __init__(
        self,
        reactor: IReactorFDSet,
        clock: IReactorTime,
        process: subprocess.Popen[bytes],
        stdin: int | None,
        stdout: int,
        errors: int,
        stderr: IByteSink | None,
        seconds: float | None,
        ending: Callable[[int], None],
        told: Told,
    ) -> None:
        self.pid = process.pid
        self.timed_out = False
        self._clock = clock
        self._process = process
        self._ending = ending
        self._told = told
        self._killed = False
        self._alone = False  # the leader has ended
        self._looked_in_vain = False
        self._result: Ended | None = None
        self._waiting: list[Deferred[Ended]] = []
        self._splicing: Deferred[int] | None = None
        self._kept = bytearray()
        self._started = clock.seconds()
        self._seconds = 0.0
        self._end = ProcessEnd(reactor, self.pid, self._leader_ended)
        self.stdin = PipeWriter(reactor, stdin)
        self.stdout = PipeReader(reactor, stdout)
        self._timer = None if seconds is None else clock.callLater(seconds, self._time_is_up)
        self.stdout.ended.addCallback(self._look_whether_done)
        self._drained = False
        self._stderr: PipeReader
        if stderr is None:
            self._stderr = PipeDrain(reactor, errors, self._keep)
            self._draining = self._stderr.ended
        else:
            self._stderr = PipeReader(reactor, errors)
            self._draining = Deferred.fromCoroutine(self._forward(stderr))
        self._draining.addBoth(self._stderr_drained)

    def close_stdin(self) -> None:
        """
        As :func:`IChild.close_stdin`.
        """
        self.stdin.close()

    async def send_stdout_to(self, sink: IByteSink) -> int:
        """
        As :func:`IChild.send_stdout_to`.
        """
        if self.stdout.exhausted:
            return 0
        self.stdout.enlarge()
        if ISpliceSink.providedBy(sink):
            return await self._splice(ISpliceSink(sink))
        count = 0
        while data := await self.stdout.read():
            await sink.write(data)
            count += len(data)
            if BULK <= len(data) < PIECE:
                # A pack flows: let the pipe fill up a little. Fewer and larger pieces cost less, and the pipe holds enough.
                await deferLater(self._clock, GATHER)
        return count

    def wait(self) -> Deferred[Ended]:
        """
        As :func:`IChild.wait`. If nobody reads standard output, it is done as soon as the child has ended without any, or was
        killed.
        """
        made: Deferred[Ended] = Deferred(self._waiting.remove)
        if self._result is None:
            self._waiting.append(made)
        else:
            made.callback(self._result)
        return made

    def cut_short(self) -> None:
        """
        As :func:`IChild.cut_short`.
        """
        if not self._alone:
            self._kill_group()

    def kill(self) -> None:
        """
        As :func:`IChild.kill`. Output that nobody is reading at that moment is lost.
        """
        if self._result is not None:
            return
        self._killed = True
        self._kill_group()
        if self._alone:
            self._leave_output()

    # ------------------------------------------------------------------------------------------------------ its output

    async def _splice(self, sink: ISpliceSink) -> int:
        async def splice(pipe: int) -> int:
            return await sink.splice(pipe)

        self._splicing = Deferred.fromCoroutine(splice(self.stdout.detach()))
        try:
            count = await self._splicing
        except CancelledError:
            if not self._killed:
                raise
            raise StreamBroken("the child was killed") from None
        finally:
            self._splicing = None
            if self._killed and self._alone:
                self.stdout.abandon()
        self.stdout.finished()
        return count

    def _keep(self, errors: bytes) -> None:
        self._kept += errors
        del self._kept[:-KEPT_STDERR]

    async def _forward(self, sink: IByteSink) -> None:
        room = FORWARDED_STDERR
        while data := await self._stderr.read():
            self._keep(data)
            if not room:
                continue
            try:
                await sink.write(data[:room])
            except CancelledError:
                raise
            except StreamBroken:
                room = 0
            except Exception:
                log.failure("standard error of a child cannot be sent on")
                room = 0
            room -= min(room, len(data))

    def _stderr_drained(self, result: object) -> None:
        self._drained = True
        self._stderr.abandon()
        self._look_whether_done(None)

    # ------------------------------------------------------------------------------------------------------ its end

    def _leader_ended(self) -> None:
        self._alone = True
        self._seconds = self._clock.seconds() - self._started
        self._stop_timer()
        if self._killed:
            self._leave_output()
        else:
            self._take_note_of_end(self.stdout)
        self._look_whether_done(None)
        if self._result is None:
            self._timer = self._clock.callLater(GRACE, self._look_at_pipes)

    def _take_note_of_end(self, reader: PipeReader) -> bool:
        """
        Close a pipe that has ended, if nobody is about to find that out by reading.

        :returns: whether somebody holds the pipe open and writes nothing.
        """
        readable, hung_up = reader.state()
        if readable or reader.exhausted:
            return False
        if hung_up and not reader.wanted and self._splicing is None:
            reader.finished()
        return not hung_up

    def _look_at_pipes(self) -> None:
        self._timer = None
        if self._killed:
            self._stderr.abandon()
            if self._splicing is None:
                self.stdout.abandon()
        held = [reader for reader in (self.stdout, self._stderr) if self._take_note_of_end(reader)]
        if held:
            self._kill_group()
        for reader in held:
            if reader is self._stderr or self._splicing is None:
                reader.finished()
            elif self._looked_in_vain:
                # Whoever holds it is out of our reach, and only a look from outside ends a splice that waits.
                self.kill()
        self._looked_in_vain = bool(held)
        if self._result is None:
            self._timer = self._clock.callLater(GRACE, self._look_at_pipes)

    def _leave_output(self) -> None:
        """
        Take no more of what nobody waits for at this moment; whoever waits is about to see the end.
        """
        if self._splicing is not None:
            self._splicing.cancel()
        elif not self.stdout.wanted:
            self.stdout.abandon()
        if not self._stderr.wanted:
            self._draining.cancel()

    def _time_is_up(self) -> None:
        self._timer = None
        self.timed_out = True
        self.kill()

    def _kill_group(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # Nobody is left but the zombie, or only processes that became somebody else's.

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _look_whether_done(self, _: object) -> None:
        if not (self._alone and self._drained and self.stdout.exhausted) or self._result is not None:
            return
        self._stop_timer()
        self.stdin.abandon()
        self._result = result = self._reap()
        self._told(self, result)
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(result)

    def _reap(self) -> Ended:
        self._ending(self.pid)
        _, status, used = os.wait4(self.pid, 0)
        self._process.returncode = code = os.waitstatus_to_exitcode(status)
        return Ended(code, bytes(self._kept), Usage(self._seconds, used.ru_utime, used.ru_stime, used.ru_maxrss * 1024))


def start(
    reactor: IReactorFDSet,
    clock: IReactorTime,
    argv: Sequence[str | bytes],
    *,
    environment: Mapping[str, str],
    cwd: str,
    stderr: IByteSink | None,
    limits: Limits,
    ending: Callable[[int], None],
    told: Told,
    descriptors: Sequence[int] = (),
    stdout: int | None = None,
    stdin: bool = True,
) -> Child:
    """
    Start a program as the leader of a new session, with pipes and no other descriptor of ours but those that are named.

    There is no ``preexec_fn``, so the standard library uses ``vfork``: the cost does not grow with the server's memory. Limits
    are set from outside, right after the start: see :func:`limit`.

    :param ending: called once with its process id, right before it is reaped.
    :param told: called once, when it was reaped.
    :param stdout: where its standard output goes, in the place of a pipe; whoever reads the pipe then finds its end at once.
    :param stdin: whether it has a pipe to read from; if not, it reads from nowhere.
    :raises OSError: if it cannot be started.
    """
    pipes: list[int] = []
    try:
        for _ in range(3 if stdin else 2):
            pipes.extend(os.pipe2(os.O_CLOEXEC))
        process = subprocess.Popen(
            argv,
            stdin=pipes[4] if stdin else subprocess.DEVNULL,
            stdout=pipes[1] if stdout is None else stdout,
            stderr=pipes[3],
            cwd=cwd,
            env=environment,
            close_fds=True,
            pass_fds=descriptors,
            start_new_session=True,
        )
    except BaseException:
        for descriptor in pipes:
            os.close(descriptor)
        raise
    for descriptor in (pipes[1], pipes[3], *pipes[4:5]):
        os.close(descriptor)
    ours = (pipes[0], pipes[2], *pipes[5:])
    try:
        limit(process.pid, limits)
        fed = pipes[5] if stdin else None
        return Child(reactor, clock, process, fed, pipes[0], pipes[2], stderr, limits.seconds, ending, told)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for descriptor in ours:
            os.close(descriptor)
        raise


def limit(pid: int, limits: Limits) -> None:
    """
    Limit a process that runs. What it starts from now on inherits that; on a busy machine it may have started something before
    we came to it, which is limited as well.
    """
    wanted = (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CPU, limits.cpu),
        (resource.RLIMIT_FSIZE, limits.file_size),
    )
    try:
        for kind, value in wanted:
            if value is not None:
                resource.prlimit(pid, kind, (value, value))
    except (ProcessLookupError, PermissionError):
        return  # It has ended, or became somebody else's.
    if any(value is not None for _, value in wanted[1:]):
        for child in _children(pid):
            limit(child, limits)


def _children(pid: int) -> list[int]:
    """
    What a process has started and not reaped; nothing if it is gone, or if the kernel does not tell.
    """
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
            return [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
