"""
A child's output as a stream: of bytes, or of records that end in a separator. Nothing is collected, and a child whose output
nobody wants any more is gone.

Whoever stops in the middle closes the iterator, so it is used as
``async with aclosing(records(child)) as found: async for record in found: …``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..errors import Code, GitalyError
from .interfaces import IChild

LONGEST = 1 << 20
"""Bytes; no path, ref name or header that git writes is longer."""


class RecordTooLong(GitalyError):
    """
    A child wrote a record that is longer than whoever reads it is ready to keep.
    """

    def __init__(self, longest: int) -> None:
        super().__init__("output of git too long", Code.RESOURCE_EXHAUSTED, {"longest": longest})


async def pieces(child: IChild) -> AsyncGenerator[bytes, None]:
    """
    What a child writes, as it comes: up to :data:`~gitaly_tx.streams.PIECE` bytes at a time.

    If it is closed before the end, or reading fails, the child is killed. After the end the child is still there, and may be
    waited for.
    """
    ended = False
    try:
        while data := await child.stdout.read():
            yield data
        ended = True
    finally:
        if not ended:
            child.kill()


async def batches(child: IChild, separator: bytes = b"\n", longest: int = LONGEST) -> AsyncGenerator[list[bytes], None]:
    """
    What a child writes, taken apart, with all records together that came at once: for those who have many to look at.
    Otherwise as :func:`records`.

    :returns: lists that are not empty.
    """
    rest = b""
    async with aclosing(pieces(child)) as source:
        async for data in source:
            *whole, rest = (rest + data).split(separator)
            if len(rest) > longest or any(len(record) > longest for record in whole):
                raise RecordTooLong(longest)
            if whole:
                yield whole
    if rest:
        yield [rest]


async def records(child: IChild, separator: bytes = b"\n", longest: int = LONGEST) -> AsyncGenerator[bytes, None]:
    """
    What a child writes, record by record, without their separators. What stands after the last separator is a record, too, if it
    is not empty. The child is killed as by :func:`pieces`.

    :raises RecordTooLong: for a record of more than ``longest`` bytes.
    """
    async with aclosing(batches(child, separator, longest)) as source:
        async for batch in source:
            for record in batch:
                yield record


__all__ = ["LONGEST", "RecordTooLong", "batches", "pieces", "records"]
