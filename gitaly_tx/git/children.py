"""
The children that are alive.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet, IReactorTime

from ..errors import Code, GitalyError
from ..streams import IByteSink
from .cgroups import ControlledChildren
from .interfaces import Ended, Limits
from .process import Child, Told, start
from .watchdog import Watchdog

_NO_ROOM = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})


class Children:
    """
    Starts programs and remembers them until they were reaped, so that a server that ends leaves none behind.

    :param watchdog: told of them, for the case that the server is killed.
    :param groups: puts each into a control group.
    """

    def __init__(
        self,
        reactor: IReactorFDSet,
        clock: IReactorTime,
        watchdog: Watchdog | None = None,
        groups: ControlledChildren | None = None,
    ) -> None:
        self._groups = groups
        self._watchdog = watchdog
        self._reactor = reactor
        self._clock = clock
        self._alive: set[Child] = set()
        self._waiting: list[Deferred[None]] = []

    def __len__(self) -> int:
        """
        How many there are; a metric.
        """
        return len(self._alive)

    def start(
        self,
        argv: Sequence[str | bytes],
        *,
        environment: Mapping[str, str],
        cwd: str,
        stderr: IByteSink | None,
        limits: Limits,
        told: Told,
        descriptors: Sequence[int] = (),
        stdout: int | None = None,
        stdin: bool = True,
        key: str = "",
    ) -> Child:
        """
        As :func:`gitaly_tx.git.process.start`.

        :param key: the repository that it runs for: who belongs together.
        :raises GitalyError: RESOURCE_EXHAUSTED if the system has no process, memory or descriptor left.
        :raises OSError: if the program cannot be executed.
        """

        def ending(pid: int) -> None:
            if self._watchdog is not None:
                self._watchdog.goes(pid)

        def ended(child: Child, result: Ended) -> None:
            self._alive.discard(child)
            try:
                told(child, result)
            finally:
                if not self._alive:
                    waiting, self._waiting = self._waiting, []
                    for each in waiting:
                        each.callback(None)

        try:
            child = start(
                self._reactor,
                self._clock,
                argv,
                environment=environment,
                cwd=cwd,
                stderr=stderr,
                limits=limits,
                ending=ending,
                told=ended,
                descriptors=descriptors,
                stdout=stdout,
                stdin=stdin,
            )
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise GitalyError("no process can be started now", Code.RESOURCE_EXHAUSTED, {"error": str(error)}) from error
            raise
        self._alive.add(child)
        if self._groups is not None:
            self._groups.place(child.pid, key)
        if self._watchdog is not None:
            self._watchdog.came(child.pid)
        return child

    def kill_all(self) -> None:
        """
        Kill every child's process group.
        """
        for child in list(self._alive):
            child.kill()

    def wait_all(self) -> Deferred[None]:
        """
        :returns: fires once there is no child; at once if there is none now.
        """
        made: Deferred[None] = Deferred(self._waiting.remove)
        if self._alive:
            self._waiting.append(made)
        else:
            made.callback(None)
        return made
