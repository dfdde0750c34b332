"""
A list of objects, as ``pack-objects`` reads it: short as a rule, and sometimes longer than one likes to have in memory.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import AsyncIterator
from typing import IO

from ..storage.threads import Threads
from ..streams import PIECE

IN_MEMORY = 1 << 20
"""Bytes from which on it is in a file."""


class ObjectList:
    """
    :param threads: where the file is written and read, if there has to be one.
    :ivar digest: of everything that was added.
    """

    def __init__(self, threads: Threads, in_memory: int = IN_MEMORY) -> None:
        self._threads = threads
        self._in_memory = in_memory
        self._data = bytearray()
        self._file: IO[bytes] | None = None
        self._holders = 1
        self.digest = hashlib.sha256()

    async def add(self, data: bytes) -> None:
        """
        Something more.
        """
        self.digest.update(data)
        self._data += data
        if len(self._data) > self._in_memory:
            held, self._data = bytes(self._data), bytearray()
            await self._threads.run(self._write, held)

    async def pieces(self) -> AsyncIterator[bytes]:
        """
        All of it, from the beginning.
        """
        if self._file is not None:
            at = 0
            while data := await self._threads.run(self._read, at):
                at += len(data)
                yield data
        if self._data:
            yield bytes(self._data)

    def hold(self) -> None:
        """
        Somebody else needs it too, and will close it.
        """
        self._holders += 1

    def close(self) -> None:
        """
        One less needs it.
        """
        self._holders -= 1
        if not self._holders and self._file is not None:
            self._file.close()

    def _write(self, data: bytes) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by the last holder)
        self._file.seek(0, 2)
        self._file.write(data)

    def _read(self, at: int) -> bytes:
        assert self._file is not None
        self._file.seek(at)
        return self._file.read(PIECE)
