"""
Clients that fetch a pack over HTTP and throw it away, all at once, in a process of their own::

    python -m tests.load.readers PORT PATH COUNT SLOW RATE

``SLOW`` of the ``COUNT`` clients take ``RATE`` bytes a second. The request's body is on standard input. Prints how many seconds
after the start the last quick one and the last slow one had everything; fails if the answers are not alike, and whole.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence

from protocols.git import pktline

PIECE = 1 << 17

WHOLE = pktline.FLUSH + b"\r\n0\r\n\r\n"
"""How an answer with a pack ends: a flush packet, and the last chunk."""


async def read(port: int, request: bytes, rate: float) -> tuple[int, float]:
    """
    One client.

    :param rate: bytes a second; 0 for as many as there are.
    :returns: how many bytes came, and when the last did.
    :raises AssertionError: if these are not the answer, or not all of it.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=PIECE)
    writer.write(request)
    began, count, beginning, last = time.monotonic(), 0, b"", b""
    while data := await reader.read(PIECE):
        count += len(data)
        beginning, last = beginning or data[:12], (last + data)[-len(WHOLE) :]
        if rate:
            await asyncio.sleep(began + count / rate - time.monotonic())
    writer.close()
    if beginning != b"HTTP/1.1 200" or last != WHOLE:
        raise AssertionError(f"{count} bytes, from {beginning!r} to {last!r}")
    return count, time.monotonic()


async def read_all(port: int, request: bytes, count: int, slow: int, rate: float) -> tuple[float, float]:
    """
    All clients at once.

    :returns: how many seconds the quick ones, and the slow ones took.
    :raises AssertionError: if one did not get what the others did.
    """
    began = time.monotonic()
    found = await asyncio.gather(*(read(port, request, rate if number < slow else 0) for number in range(count)))
    sizes = sorted(size for size, _ in found)
    # How the pack is cut into chunks is up to chance.
    if sizes[-1] - sizes[0] > sizes[0] // 100:
        raise AssertionError(f"from {sizes[0]} to {sizes[-1]} bytes")
    return max(end for _, end in found[slow:]) - began, max(end for _, end in found[:slow]) - began


def main(argv: Sequence[str]) -> int:
    """
    :returns: 0.
    """
    port, path, count, slow, rate = argv
    body = sys.stdin.buffer.read()
    head = (
        f"POST {path}/git-upload-pack HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nGit-Protocol: version=2\r\n"
        f"Content-Type: application/x-git-upload-pack-request\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    print(*asyncio.run(read_all(int(port), head.encode() + body, int(count), int(slow), float(rate))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
