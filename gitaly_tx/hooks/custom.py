"""
Custom hooks: programs that an administrator put beside a repository, or beside all of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ..git.interfaces import IChild, IGit, Limits
from ..git.quoting import quoted
from ..storage.threads import Threads
from ..streams import IByteSink, StreamBroken
from ..warm import NEVER, Warm
from .customfiles import HookFile, HookUnusable, find_hooks
from .environment import described, inherited
from .interfaces import Observe, Push, Tell, unobserved

SECONDS = 300.0
"""How long one hook may take, unless told otherwise."""

KINDS = ("pre-receive", "update", "post-receive")

_KNOWN = "custom hooks"

MAXIMUM_OUTPUT = 1 << 20
"""How much one hook may say on each of its streams, in bytes, unless told otherwise; the rest is dropped."""


class HookFailed(Exception):
    """
    A hook ended with something else than success, was stopped, or could not be run.

    :param label: which one: ``custom_hooks/update``.
    :param why: ``exit status 1``, ``took longer than 300 s`` …
    :param path: where it lies, if it was run.
    :param status: the exit status, if it came to one; negative for the signal that ended it.
    """

    def __init__(self, label: str, why: str, path: str = "", status: int | None = None) -> None:
        super().__init__(f"{label}: {why}")
        self.label = label
        self.why = why
        self.path = path
        self.status = status

    @property
    def executed(self) -> str:
        """
        The same in Gitaly's words, which name the program in full.
        """
        return f"error executing {quoted(self.path)}: {self.why}" if self.path else str(self)


@implementer(IByteSink)
@define(eq=False)
class CappedSink:
    """
    Tells somebody what a program says, up to a limit; says once that it stopped to.

    :ivar broken: what went wrong with telling, so that whoever waits for the program can raise it.
    """

    _tell: Tell
    _left: int
    _dropping: bool = field(default=False, init=False)
    broken: StreamBroken | None = field(default=None, init=False)

    async def write(self, data: bytes) -> None:
        """
        As :func:`gitaly_tx.streams.IByteSink.write`; what is beyond the limit is taken and dropped.
        """
        shown = data[: self._left]
        self._left -= len(shown)
        try:
            if shown:
                await self._tell(shown)
            if len(shown) < len(data) and not self._dropping:
                self._dropping = True
                await self._tell(b"\n... output is too long: the rest is not shown\n")
        except StreamBroken as error:
            self.broken = error
            raise


@define(eq=False)
class CustomHooks:
    """
    Finds and runs custom hooks: ``pre-receive``, ``update`` and ``post-receive``. ``post-update`` is not run, as it is not by
    Gitaly: ``post-receive`` is told the same and more.

    - Each runs in the repository's directory, in a process group of its own; nothing of a group is left when its time is up.
    - The first one that fails ends the row.
    - A hook that is there and cannot be run fails like one that refuses.
    - A hook that does not read its input, and one that leaves a process behind that keeps its output open, do no harm.

    :param git: spawns, and says which git hooks should meet.
    :param clock: for the time-out.
    :param threads: where the directories are looked at.
    :param environ: the server's environment.
    :param directories: directories with hooks for all repositories (``[hooks] custom_hooks_dir``).
    :param seconds: how long one hook may take.
    :param maximum_output: how many bytes of each of its streams are passed on.
    :param observe: told of each hook that ran: its kind, and ``ok``, ``declined`` or ``failed``.
    :param warm: says where hooks of repositories are looked for.
    """

    _git: IGit
    _clock: IReactorTime
    _threads: Threads
    _environ: Mapping[str, str] = field(factory=lambda: dict(os.environ))
    _directories: Sequence[str] = ()
    _seconds: float = SECONDS
    _maximum_output: int = MAXIMUM_OUTPUT
    _observe: Observe = unobserved
    _warm: Warm = NEVER
    _log: Logger = field(factory=Logger)

    async def run(
        self,
        name: str,
        push: Push,
        tell_out: Tell,
        tell_err: Tell,
        *,
        arguments: Sequence[bytes] = (),
        stdin: bytes = b"",
        variables: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """
        Run all hooks of one kind, one after the other.

        :param name: one of :data:`KINDS`.
        :param push: what is being done; its repository's directory says where new objects are.
        :param arguments: what each gets on its command line.
        :param stdin: what each gets on its standard input.
        :param variables: more for the environment.
        :param environ: what they inherit from, instead of the server's environment.
        :raises HookFailed: for the first one that did not succeed; the user has been told if it is our finding.
        :raises StreamBroken: if nobody listens to ``tell_out`` or ``tell_err`` any more; the hook was stopped.
        """
        repository = push.repository.directory.path
        try:
            hooks = await self._find(push, name)
        except HookUnusable as error:
            self._observe(name, "failed")
            raise await self._unusable(error.label, error.why, tell_err) from error
        if not hooks:
            return
        given = self._environ if environ is None else environ
        environment = {**inherited(given, self._git.path), **described(push), **(variables or {})}
        for hook in hooks:
            try:
                await self._run_one(hook, repository, environment, arguments, stdin, tell_out, tell_err)
            except HookFailed as error:
                self._observe(name, "failed" if error.status is None else "declined")
                raise
            self._observe(name, "ok")

    async def any(self, push: Push, *names: str) -> bool:
        """
        Whether there are hooks of some kinds, or something that should be one.
        """
        for name in names:
            try:
                if await self._find(push, name):
                    return True
            except HookUnusable:
                return True
        return False

    async def _find(self, push: Push, name: str) -> list[HookFile]:
        """
        The hooks of a push. For all kinds, and each of thousands of refs, the disk is looked at once.
        """
        found: dict[str, list[HookFile] | HookUnusable] | None = push.known.get(_KNOWN)
        if found is None:
            path = push.repository.directory.path
            # Whether the directories for all repositories are on a local disk, nobody knows.
            warm = NEVER if self._directories else self._warm
            found = await warm.look((path, _KNOWN), self._threads, _find_all, path, self._directories)
            push.known[_KNOWN] = found
        hooks = found[name]
        if isinstance(hooks, HookUnusable):
            raise hooks
        return hooks

    async def _run_one(
        self,
        hook: HookFile,
        repository: str,
        environment: Mapping[str, str],
        arguments: Sequence[bytes],
        stdin: bytes,
        tell_out: Tell,
        tell_err: Tell,
    ) -> None:
        stdout = CappedSink(tell_out, self._maximum_output)
        stderr = CappedSink(tell_err, self._maximum_output)
        try:
            child = self._git.spawn_program(
                [hook.path, *arguments], cwd=repository, environment=environment, stderr=stderr, limits=Limits()
            )
        except OSError as error:
            raise await self._unusable(hook.label, error.strerror or "cannot be executed", tell_err) from error
        late = False

        def stop() -> None:
            nonlocal late
            late = True
            child.kill()

        timer = self._clock.callLater(self._seconds, stop)
        feeding = Deferred.fromCoroutine(_feed(child, stdin))
        feeding.addErrback(lambda failure: failure.trap(CancelledError))
        try:
            try:
                while piece := await child.stdout.read():
                    await stdout.write(piece)
            except StreamBroken:
                if not late:
                    raise
            ended = await child.wait()
        finally:
            if timer.active():
                timer.cancel()
            feeding.cancel()
            child.kill()
            await child.wait()
        if late:
            why = f"took longer than {self._seconds:g} s and was stopped"
            await tell_err(f"error: hook {hook.label} {why}\n".encode("utf-8", "surrogateescape"))
            raise HookFailed(hook.label, why, hook.path)
        if stderr.broken is not None:
            raise stderr.broken
        if ended.status != 0:
            raise HookFailed(hook.label, str(ended), hook.path, ended.status)

    async def _unusable(self, label: str, why: str, tell_err: Tell) -> HookFailed:
        self._log.error("hook {hook} cannot be run: {why}", hook=label, why=why)
        await tell_err(f"error: hook {label} cannot be run: {why}\n".encode("utf-8", "surrogateescape"))
        return HookFailed(label, why)


def _find_all(repository: str, directories: Sequence[str]) -> dict[str, list[HookFile] | HookUnusable]:
    found: dict[str, list[HookFile] | HookUnusable] = {}
    for name in KINDS:
        try:
            found[name] = find_hooks(repository, directories, name)
        except HookUnusable as error:
            found[name] = error
    return found


async def _feed(child: IChild, stdin: bytes) -> None:
    """
    Give a hook its input; that it does not read all of it is its own business.
    """
    try:
        if stdin:
            await child.stdin.write(stdin)
    except StreamBroken:
        pass
    child.close_stdin()
