"""
Iterators that block, driven in threads.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Generator
from typing import TypeVar

from ..wal.threads import InThread

T = TypeVar("T")


async def in_turns(in_thread: InThread, work: Generator[T, None, None]) -> AsyncGenerator[T, None]:
    """
    Run a blocking generator in threads, one turn for each thing that it yields and only when somebody asks for it.

    Whoever stops early closes the iterator (``aclose``); the generator is closed in a thread, once its turn is over, so what it
    has open is closed in any case.
    """
    # A cancelled turn goes on in its thread, and a generator must not be closed while it runs.
    running = threading.Lock()

    def turn() -> tuple[T] | None:
        with running:
            for found in work:
                return (found,)
            return None

    def close() -> None:
        with running:
            work.close()

    try:
        while (found := await in_thread(turn)) is not None:
            yield found[0]
    finally:
        await in_thread(close)
