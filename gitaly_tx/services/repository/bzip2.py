"""
bzip2, as a stream.
"""

from __future__ import annotations

import bz2
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ...wal.threads import InThread


async def bzip2(in_thread: InThread, source: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """
    Compress what comes; ``source`` is closed with this iterator. Pieces are as large as they turn out to be, and none is empty.
    """
    compressor = bz2.BZ2Compressor()
    async with aclosing(source):
        async for data in source:
            if made := await in_thread(compressor.compress, data):
                yield made
    yield await in_thread(compressor.flush)
