"""
Bytes that have to wait until something else is known: a little of them in memory, the rest in a file without a name.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import IO

from ..wal.threads import InThread

KEPT = 1 << 20
"""The most bytes that stay in memory."""

PIECE = 64 * 1024


class Spool:
    """
    Written first and read once, from the beginning.

    :param in_thread: where the file is written and read.
    :ivar size: the bytes in it.
    """

    def __init__(self, in_thread: InThread, kept: int = KEPT) -> None:
        self._in_thread = in_thread
        self._kept = kept
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._closed = False
        self.size = 0

    async def append(self, data: bytes) -> None:
        """
        Add some bytes at the end.

        :raises OSError: if there is no room for them.
        """
        self.size += len(data)
        self._memory += data
        if len(self._memory) > self._kept:
            waiting, self._memory = self._memory, bytearray()
            await self._in_thread(self._write, waiting)

    def held(self, size: int) -> bytes | None:
        """
        All of it at once, if it is in memory and not more than ``size`` bytes.
        """
        return bytes(self._memory) if self.size <= size and self._file is None else None

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """
        All of it, in pieces of at most 64 KiB. Nothing is appended from now on.
        """
        if self._file is not None:
            await self._in_thread(self._file.seek, 0)
            while data := await self._in_thread(self._file.read, PIECE):
                yield data
        view = memoryview(bytes(self._memory))
        for start in range(0, len(view), PIECE):
            yield bytes(view[start : start + PIECE])

    def pieces_blocking(self) -> Iterator[bytes]:
        """
        The same for work that has a thread; from the beginning every time.
        """
        if self._file is not None:
            self._file.seek(0)
            while data := self._file.read(PIECE):
                yield data
        yield bytes(self._memory)

    async def parts(self, size: int) -> AsyncGenerator[tuple[bytes, bool], None]:
        """
        All of it, cut in parts of ``size`` bytes; the last, which may be the only one, has the rest.

        :returns: each part, and whether it is the last.
        """
        rest = b""
        async with aclosing(self.pieces()) as pieces:
            async for piece in pieces:
                rest += piece
                # At least one byte stays for the last part.
                whole = (len(rest) - 1) // size * size
                for start in range(0, whole, size):
                    yield rest[start : start + size], False
                rest = rest[whole:]
        yield rest, True

    async def close(self) -> None:
        """
        Let go of everything. Safe to repeat.
        """
        self._closed = True
        self._memory = bytearray()
        file, self._file = self._file, None
        if file is not None:
            # Giving back the blocks of a large file may take its time.
            await self._in_thread(file.close)

    def _write(self, data: bytearray) -> None:
        if self._closed:
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (close closes it)
        self._file.write(data)
