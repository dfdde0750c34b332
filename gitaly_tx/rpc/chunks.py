"""
Bytes ↔ messages that carry bytes, and lists cut into replies.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, TypeVar

from google.protobuf.message import Message
from zope.interface import implementer

from ..streams import PIECE, IByteSink, IByteSource
from .interfaces import IExchange

CHUNK = 128 * 1024
"""The most bytes of a stream that one message carries: Gitaly's limit, which its clients size their buffers by."""

REPLY = 1024 * 1024
"""A list is cut into replies of fewer serialized bytes than this: Gitaly's limit."""

T = TypeVar("T")


@implementer(IByteSink)
class ChunkSink:
    """
    Sends bytes as replies of at most :data:`CHUNK` bytes each.

    :param exchange: where the replies go.
    :param wrap: makes a reply of a chunk: ``lambda data: PostUploadPackResponse(data=data)``.
    """

    def __init__(self, exchange: IExchange, wrap: Callable[[bytes], Message]) -> None:
        self._exchange = exchange
        self._wrap = wrap

    async def write(self, data: bytes) -> None:
        """
        Send ``data``, as soon as the caller takes it. Nothing is sent for no bytes.
        """
        if len(data) <= CHUNK:
            if data:
                await self._exchange.send(self._wrap(data))
            return
        view = memoryview(data)
        for start in range(0, len(view), CHUNK):
            await self._exchange.send(self._wrap(bytes(view[start : start + CHUNK])))


@implementer(IByteSource)
class ChunkSource:
    """
    The bytes in the requests of a call, up to the caller's half-close.

    :param exchange: where the requests come from.
    :param unwrap: takes the bytes out of a request; it may raise to refuse one.
    """

    def __init__(self, exchange: IExchange, unwrap: Callable[[Any], bytes]) -> None:
        self._exchange = exchange
        self._unwrap = unwrap
        self._rest = b""

    async def read(self) -> bytes:
        """
        The next bytes: those of one request, or a part if there are more than :data:`~gitaly_tx.streams.PIECE`. Requests without
        bytes are passed over.
        """
        data = self._rest
        while not data:
            request = await self._exchange.receive()
            if request is None:
                return b""
            data = self._unwrap(request)
        self._rest = data[PIECE:]
        return data[:PIECE] if self._rest else data


def cut(data: bytes) -> Iterator[bytes]:
    """
    Cut bytes into pieces that one message each carries; no piece for no bytes.
    """
    if len(data) <= CHUNK:
        if data:
            yield data
        return
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


def batched(items: Iterable[T], weigh: Callable[[T], int], limit: int = REPLY) -> Iterator[list[T]]:
    """
    Cut a list so that what each part weighs stays below ``limit``; an item that weighs more by itself is a part of its own.

    :param weigh: an item's size in a reply, in bytes: ``Message.ByteSize`` is near enough.
    """
    batch: list[T] = []
    weight = 0
    for item in items:
        size = weigh(item)
        if batch and weight + size >= limit:
            yield batch
            batch, weight = [], 0
        batch.append(item)
        weight += size
    if batch:
        yield batch


async def batched_stream(items: AsyncIterator[T], weigh: Callable[[T], int], limit: int = REPLY) -> AsyncIterator[list[T]]:
    """
    :func:`batched`, for items that come one after the other.
    """
    batch: list[T] = []
    weight = 0
    async for item in items:
        size = weigh(item)
        if batch and weight + size >= limit:
            yield batch
            batch, weight = [], 0
        batch.append(item)
        weight += size
    if batch:
        yield batch


__all__ = ["CHUNK", "REPLY", "ChunkSink", "ChunkSource", "batched", "batched_stream", "cut"]
