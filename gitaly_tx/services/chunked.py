"""
Bytes in pieces that fit into replies.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..rpc.chunks import CHUNK


def chunked(data: bytes) -> Iterator[bytes]:
    """
    Cut into pieces of at most :data:`~gitaly_tx.rpc.chunks.CHUNK` bytes; none for no bytes.
    """
    if len(data) <= CHUNK:
        if data:
            yield data
        return
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]
