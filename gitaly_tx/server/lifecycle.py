"""
From start to stop.

1. What a person should learn at once is found out before twistd goes to the background, or at the latest before the reactor
   runs: a missing git, a storage in use, a layout that is not known.
2. The logs are recovered. Nothing listens before every acknowledged write is visible again.
3. The listeners open, health turns SERVING, and the service manager is told.
4. On the way down: no new connections, work in flight finishes, the write queue runs empty, the logs are closed.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import time
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.logger import ILogObserver, Logger

from ..config.load import load
from ..config.model import Config
from ..config.problems import ConfigError
from ..errors import GitalyError
from ..git.environment import GitProgram, find_git
from ..observability import failpoints, turns
from ..observability.notify import notifier_of
from .assembly import Assembly
from .banner import banner
from .composition import assemble
from .logging import Log, open_log, to_stderr, to_stdout
from .surroundings import Surroundings

FAILPOINTS = "GITALY_TX_FAILPOINTS"
"""The environment variable that makes the server fail on purpose, for tests."""


class NotStarted(Exception):
    """
    The server cannot start; the text says why, for a person.
    """


class GitalyServer(MultiService):
    """
    The server as twistd sees it.

    :param reactor: asyncio's.
    """

    _log = Logger()

    def __init__(self, reactor: Any, config: Config, surroundings: Surroundings) -> None:
        super().__init__()
        self._reactor = reactor
        self._config = config
        self._surroundings = surroundings
        self._assembly: Assembly | None = None
        self._log_to: Log | None = None
        self._notifier = notifier_of(surroundings.environ)
        self._starting: Deferred[None] | None = None
        self._signalled = False

    def setServiceParent(self, parent: Any) -> None:
        """
        Become part of twistd's application; its log is written by our observer.
        """
        super().setServiceParent(parent)
        if hasattr(parent, "setComponent"):
            self._log_to = open_log(self._config, self._surroundings)
            parent.setComponent(ILogObserver, self._log_to.observer)

    def startService(self) -> None:
        """
        Do what can be done at once, and begin with the rest as soon as the reactor runs.

        :raises NotStarted: if the server cannot run here, for twistd to tell whoever started it.
        """
        super().startService()
        try:
            failpoints.configure(self._surroundings.environ.get(FAILPOINTS, ""))
            program = find_git(self._surroundings.environ, self._config.git.bin_path)
            self._assembly = assemble(self._reactor, self._config, self._surroundings, program)
            self._assembly.take_storages()
        except (GitalyError, OSError, ValueError) as error:
            self._refuse(error)
        self._reactor.callWhenRunning(self._running, program)

    def stopService(self) -> Deferred[None]:
        """
        Go down in order.
        """
        return Deferred.fromCoroutine(self._stop())

    def _running(self, program: GitProgram) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told_to_stop)
        signal.signal(signal.SIGHUP, lambda *_: self._reactor.callFromThread(self._reload))
        self._starting = Deferred.fromCoroutine(self._start(program))
        self._starting.addErrback(self._failed)

    async def _start(self, program: GitProgram) -> None:
        assembly = self._assembly
        assert assembly is not None
        began = time.monotonic()
        if self._log_to is not None:
            self._log_to.lines.start()
        for problem in self._config.warnings:
            self._log.warn("{problem}", problem=problem.told(self._config.source))
        if self._config.unused:
            self._log.info("these keys are accepted and not used: {unused}", unused=", ".join(self._config.unused))
        fingerprint = await assembly.start()
        # What is there now stays: a full collection need not look at it again, which would hold the reactor up for long.
        gc.collect()
        gc.freeze()
        if self._surroundings.environ.get(turns.VARIABLE):
            turns.watch_turns(assembly.metrics.reactor_turn)
            turns.watch_disk(assembly.metrics.reactor_disk)
        text = banner(self._config, program.version_text, fingerprint)
        if self._surroundings.foreground:
            to_stdout(text)
        self._log.info("ready after {seconds:.2f} s", seconds=time.monotonic() - began)
        self._notifier.ready(f"serving {len(self._config.storages)} storages")

    async def _stop(self) -> None:
        self._notifier.stopping()
        if self._starting is not None and not self._starting.called:
            self._starting.cancel()
        if self._assembly is not None:
            await self._assembly.stop()
        stopping: Any = super().stopService()
        if stopping is not None:
            await stopping
        self._log.info("stopped")
        if self._log_to is not None:
            self._log_to.lines.stop()

    def _refuse(self, error: Exception) -> None:
        """
        The server cannot start, and the reactor does not run yet.
        """
        text = _words(error)
        self._log.error("not started: {text}", text=text)
        if not self._surroundings.foreground:
            raise NotStarted(text) from None
        to_stderr(f"gitaly: {text}\n")
        raise SystemExit(1) from None

    def _failed(self, failure: Any) -> None:
        """
        The server cannot start, and the reactor runs: end with an exit status that says so.
        """
        error = failure.value
        if not isinstance(error, GitalyError | CannotListenError | OSError):
            self._log.failure("not started", failure)
        text = _words(error)
        self._log.error("not started: {text}", text=text)
        if self._surroundings.foreground:
            to_stderr(f"gitaly: {text}\n")
        if self._log_to is not None:
            self._log_to.lines.stop()
        atexit.register(_exit_with_failure)
        if self._reactor.running:
            self._reactor.stop()

    def _told_to_stop(self, number: int, _: object) -> None:
        """
        The first signal asks; the second one does not.
        """
        if self._signalled:
            os._exit(128 + number)
        self._signalled = True
        self._reactor.callFromThread(self._reactor.stop)

    def _reload(self) -> None:
        """
        Read users, rules and certificates anew. On an error everything stays as it was.
        """
        self._notifier.reloading(time.monotonic())
        path, data, insecure = self._surroundings.arguments
        assembly = self._assembly
        assert assembly is not None
        try:
            if self._log_to is not None:
                self._log_to.reopen()
            config = load(path, data, insecure=insecure, environ=self._surroundings.environ)
            if self._log_to is not None:
                self._log_to.hide(config)
            changes = assembly.reload(config)
        except (ConfigError, GitalyError, OSError) as error:
            assembly.metrics.reloads.labels("refused").inc()
            self._log.error("configuration not reloaded, the old one stays in use: {error}", error=str(error))
        else:
            assembly.metrics.reloads.labels("ok").inc()
            self._log.info("configuration reloaded: {changes}", changes="; ".join(changes) or "nothing has changed")
        self._notifier.ready()


def build(reactor: Any, config: Config, surroundings: Surroundings) -> GitalyServer:
    """
    :returns: the server. Nothing is open or running yet.
    """
    return GitalyServer(reactor, config, surroundings)


def _words(error: Exception) -> str:
    if isinstance(error, GitalyError):
        reason = error.facts.get("error")
        return f"{error.message}: {reason}" if reason else error.message
    return str(error)


def _exit_with_failure() -> None:
    os._exit(1)
