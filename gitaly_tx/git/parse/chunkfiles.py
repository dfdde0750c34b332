"""
The beginnings of git's index files: commit-graphs, multi-pack indices, bitmaps. What they say of themselves, and no contents
(gitformat-commit-graph(5), gitformat-pack(5), technical/bitmap-format).
"""

from __future__ import annotations

import struct

from attrs import frozen

HEAD = 4096
"""As many bytes of a file as any of these beginnings has."""

_ENTRY = 12

HASH_CACHE = 0x4
LOOKUP_TABLE = 0x10


@frozen
class Chunks:
    """
    :param version: of the format.
    :param names: four letters each.
    :param packs: how many packs a multi-pack index is about; 0 for a commit-graph.
    """

    version: int
    names: frozenset[bytes]
    packs: int = 0


@frozen
class Bitmap:
    """
    :param version: of the format.
    """

    version: int
    hash_cache: bool
    lookup_table: bool


def commit_graph(head: bytes) -> Chunks:
    """
    :raises ValueError: if that is none.
    """
    if len(head) < 8 or head[:4] != b"CGPH":
        raise ValueError("no commit-graph")
    return Chunks(head[4], _names(head[8:], head[6]))


def multi_pack_index(head: bytes) -> Chunks:
    """
    :raises ValueError: if that is none.
    """
    if len(head) < 12 or head[:4] != b"MIDX":
        raise ValueError("no multi-pack index")
    (packs,) = struct.unpack(">I", head[8:12])
    return Chunks(head[4], _names(head[12:], head[6]), packs)


def pack_names(head: bytes) -> tuple[int, int]:
    """
    Where a multi-pack index has the names of its packs: the first byte and the one after the last.

    :raises ValueError: if that is none.
    """
    multi_pack_index(head)
    if len(head) < 12 + (head[6] + 1) * _ENTRY:
        raise ValueError("no whole table of contents")
    for index in range(head[6]):
        name, start, _, end = struct.unpack_from(">4sQ4sQ", head, 12 + index * _ENTRY)
        if name == b"PNAM":
            return start, end
    raise ValueError("no names of packs")


def bitmap(head: bytes) -> Bitmap:
    """
    :raises ValueError: if that is none.
    """
    if len(head) < 8 or head[:4] != b"BITM":
        raise ValueError("no bitmap")
    version, flags = struct.unpack(">HH", head[4:8])
    return Bitmap(version, bool(flags & HASH_CACHE), bool(flags & LOOKUP_TABLE))


def _names(table: bytes, count: int) -> frozenset[bytes]:
    if len(table) < count * _ENTRY:
        raise ValueError("no whole table of contents")
    return frozenset(table[index * _ENTRY : index * _ENTRY + 4] for index in range(count))
