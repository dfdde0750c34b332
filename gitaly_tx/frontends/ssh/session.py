"""
A session: one git command, or a few words about who you are.
"""

from __future__ import annotations

import re
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.conch.ssh.channel import SSHChannel
from twisted.conch.ssh.common import getNS
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger

from protocols.git.smarthttp import git_protocol

from ...rpc.call import Identity
from ...streams import StreamBroken
from .commands import Commands, Streams
from .transport import Quiet

WINDOW = 4 * 1024 * 1024
"""The receive window: enough for 80 MiB/s at a round trip of 50 ms."""

PACKET = 64 * 1024
"""The largest packet that a client may send."""

_log = Logger()
_SAFE = re.compile(rb"[^\x20-\x7e]")


class GitSession(SSHChannel):
    """
    The channel of a session.
    """

    name = b"session"
    _log = Quiet()
    conn: Any
    avatar: Any
    buf: Any

    def __init__(self, commands: Commands, **arguments: Any) -> None:
        super().__init__(localWindow=WINDOW, localMaxPacket=PACKET, **arguments)
        self._commands = commands
        self._protocol = ""
        self._streams = Streams(self)
        self._running: Deferred[None] | None = None
        self._waiting: deque[Deferred[None]] = deque()
        self._widest: int = self.remoteWindowLeft
        self.gone = False

    def channelOpen(self, specificData: bytes) -> None:
        """
        Nothing to do until a command comes.
        """

    def request_env(self, data: bytes) -> bool:
        """
        Of all variables only ``GIT_PROTOCOL`` is taken, and of its values only those that exist.
        """
        name, value, _ = getNS(data, 2)
        if name != b"GIT_PROTOCOL":
            return False
        self._protocol = git_protocol(value)
        return True

    def request_exec(self, data: bytes) -> bool:
        """
        A command.
        """
        if self._running is not None:
            return False
        command = getNS(data)[0]
        self._start(lambda: self._commands.run(command, self._streams, self._identity, self._peer, self._protocol))
        return True

    def request_shell(self, data: bytes) -> bool:
        """
        No command: tell them who they are.
        """
        if self._running is not None:
            return False
        self._start(lambda: self._commands.greet(self._streams, self._identity))
        return True

    def request_pty_req(self, data: bytes) -> bool:
        """
        OpenSSH asks for a terminal when there is no command; refusing it loudly would hide the greeting.
        """
        return True

    def requestReceived(self, requestType: bytes, data: bytes) -> bool:
        """
        A request by name; those that are not known are refused.
        """
        known = {b"env": self.request_env, b"exec": self.request_exec, b"shell": self.request_shell}
        known[b"pty-req"] = self.request_pty_req
        answer = known.get(requestType)
        if answer is None:
            _log.debug("ssh: refused a request: {kind}", kind=_SAFE.sub(b"?", requestType).decode("ascii"))
            return False
        try:
            return answer(data)
        except (struct.error, IndexError):
            return False

    def dataReceived(self, data: bytes) -> None:
        """
        Bytes of the client.
        """
        self._streams.source.data_received(data)

    def extReceived(self, dataType: int, data: bytes) -> None:
        """
        Nobody listens to these.
        """

    def eofReceived(self) -> None:
        """
        The client sends no more.
        """
        self._streams.source.end_received()

    def closeReceived(self) -> None:
        """
        The client wants no more.
        """
        self._leave()
        self.loseConnection()

    def closed(self) -> None:
        """
        Both sides are done, or the connection is gone.
        """
        self._leave()

    def startWriting(self) -> None:
        """
        The client opened its window; :func:`addWindowBytes` goes on.
        """

    def stopWriting(self) -> None:
        """
        The client's window is full; :func:`drained` says when it is open again.
        """

    def drained(self) -> Deferred[None]:
        """
        Fires as soon as more can be sent.
        """
        if not self._blocked():
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def write(self, data: bytes) -> None:
        """
        Send as much as the client's window has room for, and keep the rest.
        """
        self.buf = b"".join((self.buf, data)) if self.buf else data
        self._send()

    def addWindowBytes(self, data: int) -> None:
        """
        The client opened its window. Several messages that say so come at once, so nothing is done before :func:`go_on`.
        """
        self.remoteWindowLeft += data
        self._widest = max(self._widest, self.remoteWindowLeft)

    def go_on(self) -> None:
        """
        Let what waits, then writers go on, if nothing is in the way.
        """
        if self.conn.transport.congested:
            return
        if self.buf:
            self._send()
        if self.extBuf:
            waiting, self.extBuf = self.extBuf, []
            for kind, piece in waiting:
                self.writeExtended(kind, piece)
        while self._waiting and not self._blocked():
            self._waiting.popleft().callback(None)

    def _send(self) -> None:
        room = min(self.remoteWindowLeft, len(self.buf))
        if room:
            waiting = memoryview(self.buf)
            self.buf = waiting[room:]
            self.remoteWindowLeft -= room
            self.conn.send_view(self, waiting[:room])
        if self.closing and not self.buf:
            self.loseConnection()

    def taken(self, waiting: int) -> None:
        """
        Some of what the client sent was taken.
        """
        if not self.gone:
            self.conn.taken(self, waiting)

    @property
    def sends_much(self) -> bool:
        """
        Whether it is in the middle of something large: there is more than the client's window takes.
        """
        return bool(self.buf)

    @property
    def open_part(self) -> float:
        """
        How much of the client's window is open, 0 to 1.
        """
        return self.remoteWindowLeft / self._widest if self._widest else 1.0

    @property
    def _identity(self) -> Identity:
        identity: Identity = self.avatar.identity
        return identity

    @property
    def _peer(self) -> str:
        address = self.conn.transport.transport.getPeer()
        return f"{address.host}:{address.port}" if hasattr(address, "host") else str(address)

    def _blocked(self) -> bool:
        return bool(self.buf or self.extBuf or self.conn.transport.congested)

    def _start(self, running: Callable[[], Awaitable[int]]) -> None:
        self._running = Deferred.fromCoroutine(self._finish(running))
        self._running.addErrback(lambda failure: _log.failure("an SSH session failed", failure))

    async def _finish(self, running: Callable[[], Awaitable[int]]) -> None:
        try:
            # The answer to the request that started us must go out before anything else does.
            await deferLater(self.conn.transport.factory.reactor, 0)
            status = await running()
            await self._flushed()
        except (StreamBroken, CancelledError):
            if not self.gone:
                self.loseConnection()
            return
        if self.gone:
            return
        self.conn.sendRequest(self, b"exit-status", struct.pack(">L", status & 0xFFFFFFFF))
        self.conn.sendEOF(self)
        self.loseConnection()

    async def _flushed(self) -> None:
        """
        Wait until nothing is held back by the client's window: an exit status must not overtake it.
        """
        while (self.buf or self.extBuf) and not self.gone:
            waiting: Deferred[None] = Deferred(self._waiting.remove)
            self._waiting.append(waiting)
            await waiting

    def _leave(self) -> None:
        if self.gone:
            return
        self.gone = True
        self._streams.source.broken_off()
        while self._waiting:
            self._waiting.popleft().errback(StreamBroken("client went away"))
        if self._running is not None:
            self._running.cancel()
