"""
One line for each call.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import time
from typing import Any, Final

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger, LogLevel
from zope.interface import implementer

from ..errors import Code, GitalyError
from ..rpc.call import Call
from ..rpc.codes import go_name
from ..rpc.interfaces import IMiddleware, Proceed

ACTIONS: Final[Mapping[str, str]] = {
    "/gitaly.SmartHTTPService/InfoRefsUploadPack": "fetch-refs",
    "/gitaly.SmartHTTPService/InfoRefsReceivePack": "push-refs",
    "/gitaly.SmartHTTPService/PostUploadPack": "fetch",
    "/gitaly.SmartHTTPService/PostUploadPackWithSidechannel": "fetch",
    "/gitaly.SmartHTTPService/PostReceivePack": "push",
    "/gitaly.SSHService/SSHUploadPack": "fetch",
    "/gitaly.SSHService/SSHUploadPackWithSidechannel": "fetch",
    "/gitaly.SSHService/SSHReceivePack": "push",
    "/gitaly.SSHService/SSHUploadArchive": "archive",
}
"""What a git user calls it. The line of such a call is a sentence for a person; the fields are the same."""

QUIET: Final = frozenset({"/grpc.health.v1.Health/Check"})
"""Methods that somebody calls every few seconds: logged at debug level while they succeed."""

_LEVELS: Final = {
    Code.DEADLINE_EXCEEDED: LogLevel.warn,
    Code.PERMISSION_DENIED: LogLevel.warn,
    Code.RESOURCE_EXHAUSTED: LogLevel.warn,
    Code.FAILED_PRECONDITION: LogLevel.warn,
    Code.ABORTED: LogLevel.warn,
    Code.OUT_OF_RANGE: LogLevel.warn,
    Code.UNAVAILABLE: LogLevel.warn,
    Code.UNKNOWN: LogLevel.error,
    Code.UNIMPLEMENTED: LogLevel.error,
    Code.INTERNAL: LogLevel.error,
    Code.DATA_LOSS: LogLevel.error,
}
"""The levels that Gitaly logs failures at; the others are information."""


@implementer(IMiddleware)
class AccessLog:
    """
    Logs each call once, when it has ended. The correlation id and ``call.fields`` are on the line because they are bound to the
    call's context; beside them it has

    - ``grpc.code``, ``grpc.time_ms``, ``grpc.request.payload_bytes``, ``grpc.response.payload_bytes``
    - ``door``, ``peer.address``, ``user`` and ``proof`` (who it was and what proved it)
    - ``error`` and ``error_metadata``, if it failed: what the caller was told, and the facts that only the log gets.

    :param clock: measures the time.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        logger = self._log
        # What Logger.emit would do, but for the question whether there is such a level, which costs as much as all the rest.
        self._observe = logger.observer
        self._origin = {"log_logger": logger, "log_source": self, "log_namespace": logger.namespace}

    async def __call__(self, call: Call, proceed: Proceed) -> None:
        began = self._clock.seconds()
        try:
            await proceed()
        except GitalyError as error:
            self._line(call, began, error)
            raise
        self._line(call, began, None)

    def _line(self, call: Call, began: float, error: GitalyError | None) -> None:
        seconds = self._clock.seconds() - began
        code = go_name(None if error is None else error.code)
        event: dict[str, Any] = {
            **self._origin,
            "log_time": time(),
            "door": call.door.value,
            "peer.address": call.peer,
            "user": call.identity.user,
            "proof": call.identity.proof,
            "grpc.code": code,
            "grpc.time_ms": round(seconds * 1000, 3),
            "grpc.request.payload_bytes": call.received,
            "grpc.response.payload_bytes": call.sent,
        }
        level = LogLevel.debug if call.method.path in QUIET else LogLevel.info
        if error is not None:
            level = _LEVELS.get(error.code, LogLevel.info)
            event["error"] = error.message
            if error.facts:
                event["error_metadata"] = error.facts
        action = ACTIONS.get(call.method.path)
        if action is None:
            kind = "streaming" if call.method.client_streaming or call.method.server_streaming else "unary"
            text = f"finished {kind} call with code {code}"
        else:
            text = _sentence(action, call, seconds, code)
        if "{" in text or "}" in text:
            text = text.replace("{", "{{").replace("}", "}}")
        event["log_level"], event["log_format"] = level, text
        self._observe(event)


def _sentence(action: str, call: Call, seconds: float, code: str) -> str:
    """
    ``fetch team/thing by deploy over ssh: 12.3 MiB in 804 ms OK``
    """
    path = call.fields.get("grpc.request.glProjectPath") or call.fields.get("grpc.request.repoPath") or "?"
    user = call.identity.user or call.fields.get("username") or "anonymous"
    size = size_text(call.received if action == "push" else call.sent)
    took = f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
    return f"{action} {_plain(path).removesuffix('.git')} by {_plain(user)} over {call.door.value}: {size} in {took} {code}"


def size_text(count: int) -> str:
    """
    ``17 B``, ``4.0 KiB``, ``12.3 MiB``, ``1.5 GiB``.
    """
    if count < 1024:
        return f"{count} B"
    size = float(count)
    for unit in ("KiB", "MiB"):
        size /= 1024
        if size < 1023.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1024:.1f} GiB"


def _plain(text: str) -> str:
    """
    What somebody else chose, so that it cannot begin a new line or colour the terminal.
    """
    return text if text.isprintable() else ascii(text)[1:-1]
