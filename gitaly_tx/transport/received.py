"""
Files that come in over the wire and are needed whole: bundles, snapshots.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..wal.threads import InThread

_AT_ONCE = 1 << 20


async def receive_file(in_thread: InThread, path: str, pieces: AsyncGenerator[bytes, None]) -> int:
    """
    Write a new file as its content comes in; there is never more than a piece of it in memory.

    :param pieces: the content; closed at the end.
    :returns: how many bytes it has.
    :raises OSError: if the disk does not take it.
    """
    descriptor = await in_thread(os.open, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    size = 0
    waiting = bytearray()
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                waiting += piece
                size += len(piece)
                if len(waiting) >= _AT_ONCE:
                    full, waiting = waiting, bytearray()
                    await in_thread(_write, descriptor, full)
        await in_thread(_write, descriptor, waiting)
    finally:
        await in_thread(os.close, descriptor)
    return size


def _write(descriptor: int, data: bytes | bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
