"""
Files on disk as a tar stream.

All functions here block. A file is never held in memory as a whole.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Generator, Iterable

from ..errors import Code, GitalyError
from ..rpc.chunks import CHUNK

Bytes = Generator[bytes, None, None]

END = bytes(2 * tarfile.BLOCKSIZE)
"""What a tar file ends with."""


class FileShrunk(GitalyError):
    """
    A file became shorter while it was copied; its header already says how long it was.
    """

    def __init__(self, name: str) -> None:
        super().__init__("file became shorter while it was read", Code.INTERNAL, {"name": name})


def header(name: str, found: os.stat_result, link: str = "") -> bytes:
    """
    The blocks before the content of a file, a directory or a symbolic link.

    :param name: as it is to stand in the archive, with a slash at the end for a directory.
    :param link: where a symbolic link leads.
    """
    entry = tarfile.TarInfo(name.rstrip("/"))
    entry.mode = stat.S_IMODE(found.st_mode)
    entry.mtime = int(found.st_mtime)
    if stat.S_ISDIR(found.st_mode):
        entry.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(found.st_mode):
        entry.type, entry.linkname = tarfile.SYMTYPE, link
    else:
        entry.size = found.st_size
    return entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def file(name: str, descriptor: int) -> Bytes:
    """
    A regular file: its header and its content.

    :param descriptor: open for reading, at its beginning; the caller closes it.
    :raises FileShrunk: if it ends too early. What is appended to it meanwhile is not copied.
    """
    found = os.fstat(descriptor)
    yield header(name, found)
    rest = found.st_size
    while rest:
        data = os.read(descriptor, min(rest, CHUNK))
        if not data:
            raise FileShrunk(name)
        rest -= len(data)
        yield data
    yield bytes(-found.st_size % tarfile.BLOCKSIZE)


def file_at(name: str, path: str) -> Bytes:
    """
    :func:`file`, by path. A symbolic link is not followed.

    :raises OSError: if it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield from file(name, descriptor)
    finally:
        os.close(descriptor)


def gathered(source: Iterable[bytes]) -> Bytes:
    """
    The same bytes in pieces of :data:`~gitaly_tx.rpc.chunks.CHUNK` bytes, and a last one of what is left: a snapshot has
    thousands of small files.
    """
    kept = bytearray()
    for data in source:
        kept += data
        while len(kept) >= CHUNK:
            yield bytes(kept[:CHUNK])
            del kept[:CHUNK]
    if kept:
        yield bytes(kept)
