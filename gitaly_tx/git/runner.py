"""
IGit: runs git.
"""

from __future__ import annotations

import contextvars
import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from twisted.internet.defer import Deferred
from zope.interface import implementer

from ..errors import Code, GitalyError
from ..observability.context import current_correlation_id
from ..streams import IByteSink, StreamBroken
from .children import Children
from .command import Command
from .environment import GitProgram, inherited
from .errors import GitCommandError
from .interfaces import Ended, IGit, Limits
from .options import ConfigPair
from .process import Child

_FIXED = {
    # Messages in English, whatever the machine speaks; text is UTF-8. Only this one category, because each costs files to read.
    "LANG": "C",
    "LC_CTYPE": "C.UTF-8",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "XDG_CONFIG_HOME": "/dev/null",
}

Observer = Callable[[str, Ended | None], None]
"""Told of every child: its subcommand or program, with ``None`` when it starts, and how it ended when it has."""


@implementer(IGit)
class Git:
    """
    :param program: the git to run.
    :param children: starts and remembers the processes.
    :param environment: the server's own environment; :func:`~gitaly_tx.git.environment.inherited` says what is taken of it.
    :param config: the operator's settings; they win over all others.
    :param limits: of every child, where the caller names no others.
    :param correlation_id: what to tell children of the call that they run for.
    :param observer: for metrics; called in the context of whoever started the child.
    """

    def __init__(
        self,
        program: GitProgram,
        children: Children,
        *,
        environment: Mapping[str, str],
        config: Iterable[ConfigPair] = (),
        limits: Limits = Limits(),  # noqa: B008 (a frozen value)
        correlation_id: Callable[[], str] = current_correlation_id,
        observer: Observer | None = None,
    ) -> None:
        self.path = program.path
        self.version = program.version
        self.version_text = program.version_text
        self._children = children
        self._config = tuple(config)
        self._limits = limits
        self._correlation_id = correlation_id
        self._observer = observer
        self._environment = {"PATH": os.defpath, **inherited(environment), **_FIXED}

    def spawn(
        self,
        command: Command,
        *,
        stderr: IByteSink | None = None,
        limits: Limits | None = None,
        environment: Mapping[str, str] | None = None,
        descriptors: Sequence[int] = (),
        stdout: int | None = None,
        stdin: bool = True,
    ) -> Child:
        """
        As :func:`IGit.spawn`.
        """
        variables = {**self._environment, **command.variables(), **(environment or {})}
        if correlation_id := self._correlation_id():
            variables["CORRELATION_ID"] = correlation_id
        try:
            argv = command.argv(self.path, self._config)
            key = "" if command.directory is None else command.directory.path
            return self._start(
                command.name, argv, variables, "/", stderr, limits or self._limits, descriptors, stdout, stdin, key
            )
        except OSError as error:
            raise GitalyError("git cannot be executed", Code.INTERNAL, {"error": str(error)}) from error

    def spawn_program(
        self,
        argv: Sequence[str | bytes],
        *,
        cwd: str,
        environment: Mapping[str, str],
        stderr: IByteSink | None = None,
        limits: Limits | None = None,
    ) -> Child:
        """
        As :func:`IGit.spawn_program`.
        """
        name = os.path.basename(os.fsdecode(argv[0]))
        return self._start(name, argv, environment, cwd, stderr, limits or self._limits, key=cwd)

    async def run(
        self,
        command: Command,
        *,
        stdin: bytes | Iterable[bytes] = b"",
        maximum: int = 1 << 20,
        check: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> tuple[bytes, Ended]:
        """
        As :func:`IGit.run`.
        """
        fed = stdin != b""
        child = self.spawn(command, environment=environment, stdin=fed)
        pieces = [stdin] if isinstance(stdin, bytes) else stdin
        feeding = Deferred.fromCoroutine(_feed(child, pieces)) if fed else None
        try:
            output = await _collect(child, maximum)
            if output is None:
                child.kill()
            ended = await child.wait()
            if feeding is not None:
                await feeding
        except BaseException:
            child.kill()
            if feeding is not None:
                feeding.addErrback(lambda _: None)
                feeding.cancel()
            raise
        if output is None:
            raise self._failed("output too large", command, ended)
        if check and ended.status != 0:
            raise self._failed(f"git {command.name}", command, ended)
        return output, ended

    def _failed(self, message: str, command: Command, ended: Ended) -> GitCommandError:
        words = [os.fsdecode(word) for word in command.argv(self.path, self._config)]
        return GitCommandError(message, words, str(ended), ended.status, ended.stderr)

    def _start(
        self,
        name: str,
        argv: Sequence[str | bytes],
        environment: Mapping[str, str],
        cwd: str,
        stderr: IByteSink | None,
        limits: Limits,
        descriptors: Sequence[int] = (),
        stdout: int | None = None,
        stdin: bool = True,
        key: str = "",
    ) -> Child:
        observer, context = self._observer, contextvars.copy_context()

        def told(child: Child, ended: Ended) -> None:
            if observer is not None:
                context.run(observer, name, ended)

        child = self._children.start(
            argv,
            environment=environment,
            cwd=cwd,
            stderr=stderr,
            limits=limits,
            told=told,
            descriptors=descriptors,
            stdout=stdout,
            stdin=stdin,
            key=key,
        )
        if observer is not None:
            observer(name, None)
        return child


async def _collect(child: Child, maximum: int) -> bytes | None:
    """
    :returns: what the child writes; ``None`` as soon as it is more than ``maximum``.
    """
    output: list[bytes] = []
    while data := await child.stdout.read():
        maximum -= len(data)
        if maximum < 0:
            return None
        output.append(data)
    return b"".join(output)


async def _feed(child: Child, pieces: Iterable[bytes]) -> None:
    try:
        for piece in pieces:
            await child.stdin.write(piece)
    except StreamBroken:
        pass  # It has read what it wanted; its exit status says whether that was well.
    finally:
        child.close_stdin()
