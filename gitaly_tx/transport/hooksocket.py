"""
The socket of a hook that git runs: over it come what git would write to the hook, and the hook's answer.
"""

from __future__ import annotations

import os
import socket
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet, IReactorTime

from ..errors import Code, GitalyError
from ..git.pipes import PipeReader, PipeWriter
from ..git.quoting import quoted

NAME: Final = "sidechannel"
"""What the last part of such a socket's path is; so that nobody can make the server talk to another."""

PATIENCE: Final = 1.0
"""Seconds that connecting may take."""

PAUSE: Final = 0.02
"""Seconds between two attempts, while the other side is too busy to accept."""


class HookSocket:
    """
    A connection to a hook.

    :param connected: does not block; it is the object's from now on.
    :ivar source: what comes from the hook, until it sends no more.
    :ivar sink: what goes to the hook.
    """

    def __init__(self, reactor: IReactorFDSet, connected: socket.socket) -> None:
        descriptor = connected.detach()
        self._reader = PipeReader(reactor, os.dup(descriptor))
        self._writer = PipeWriter(reactor, descriptor)
        self.source = self._reader
        self.sink = self._writer

    def close(self) -> None:
        """
        Close it. Safe to repeat.
        """
        self._reader.abandon()
        self._writer.abandon()


class HookSockets:
    """
    Connects to hooks.

    :param reactor: watches the sockets, and measures time.
    """

    def __init__(self, reactor: Any) -> None:
        self._descriptors: IReactorFDSet = reactor
        self._clock: IReactorTime = reactor

    async def connect(self, path: str) -> HookSocket:
        """
        :raises GitalyError: INVALID_ARGUMENT ``invalid side channel address: "…"``; INTERNAL ``get side-channel: …``.
        """
        if os.path.basename(path) != NAME or "\0" in path:
            raise GitalyError(f"invalid side channel address: {quoted(path)}", Code.INVALID_ARGUMENT)
        end = self._clock.seconds() + PATIENCE
        while True:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                made.setblocking(False)
                made.connect(path)
            except BlockingIOError:
                made.close()
                if self._clock.seconds() >= end:
                    raise _failed("i/o timeout") from None
                waiting: Deferred[None] = Deferred()
                self._clock.callLater(PAUSE, waiting.callback, None)
                await waiting
            except OSError as error:
                made.close()
                raise _failed((error.strerror or str(error)).lower()) from error
            else:
                return HookSocket(self._descriptors, made)


def _failed(why: str) -> GitalyError:
    return GitalyError(f"get side-channel: dial unix: connect: {why}", Code.INTERNAL)
