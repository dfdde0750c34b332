"""
Where the bytes of git come from and go to: the door's own streams where it has them, otherwise the messages of the call.
"""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.message import Message

from ...rpc.call import Call
from ...rpc.chunks import ChunkSink, ChunkSource
from ...streams import IByteSink, IByteSource


def source(call: Call) -> IByteSource:
    """
    What the client sends after the first request.
    """
    return ChunkSource(call.exchange, _data) if call.body is None else call.body.source


def sink(call: Call, wrap: Callable[[bytes], Message]) -> IByteSink:
    """
    Where the answer goes.

    :param wrap: makes a reply of bytes.
    """
    return ChunkSink(call.exchange, wrap) if call.body is None else call.body.stdout


def aside(call: Call) -> IByteSink | None:
    """
    Where the words for the user go that are not part of the answer, if there is such a place.
    """
    return None if call.body is None else call.body.stderr


def _data(request: Message) -> bytes:
    return request.data  # type: ignore[attr-defined, no-any-return]
