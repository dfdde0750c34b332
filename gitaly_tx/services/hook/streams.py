"""
A hook's input and output, in messages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import Message

from protocols.gitaly.shared_pb2 import ExitStatus

from ...errors import Code, GitalyError
from ...rpc.call import Call
from ...rpc.chunks import ChunkSink

MAXIMUM: Final = 64 << 20
"""How much input a hook gets, in bytes: some hundreds of thousands of refs."""


async def first_request(call: Call) -> Any:
    """
    :raises GitalyError: INTERNAL ``receiving first request: EOF`` if there is none.
    """
    request = await call.exchange.receive()
    if request is None:
        raise GitalyError("receiving first request: EOF", Code.INTERNAL)
    return request


async def standard_input(call: Call) -> bytes:
    """
    The ``stdin`` of all requests after the first, as one.

    :raises GitalyError: RESOURCE_EXHAUSTED if it is longer than :data:`MAXIMUM`.
    """
    found: list[bytes] = []
    size = 0
    while (request := await call.exchange.receive()) is not None:
        data: bytes = request.stdin  # type: ignore[attr-defined]
        size += len(data)
        if size > MAXIMUM:
            raise GitalyError("standard input is too long", Code.RESOURCE_EXHAUSTED, {"maximum": MAXIMUM})
        found.append(data)
    return b"".join(found)


class Output:
    """
    Where a hook's words go, and how it ended.

    :param reply: the class of the call's replies.
    """

    def __init__(self, call: Call, reply: Callable[..., Message]) -> None:
        self._call = call
        self._reply = reply
        self.stdout = ChunkSink(call.exchange, lambda data: reply(stdout=data)).write
        self.stderr = ChunkSink(call.exchange, lambda data: reply(stderr=data)).write

    async def exit(self, status: int, text: str = "") -> None:
        """
        The last reply.

        :param text: goes along as standard error.
        """
        stderr = text.encode("utf-8", "surrogateescape")
        await self._call.exchange.send(self._reply(stderr=stderr, exit_status=ExitStatus(value=status)))
