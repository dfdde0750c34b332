"""
The framing of the log: segment headers, records, and how to find one's way in a damaged file. Pure.

A segment is a header and then records, one after the other::

    segment: magic 8 | version 4 | number 8 | storage 16 | boot 16 | salt 16 | previous end 8 | CRC32C 4
    record:  magic 4 | kind 1 | version 1 | reserved 2 | length 4 | tag 16 | lsn 8 | durable 8 | CRC32C 4
             payload | CRC32C 4
             kind 1 | length 4 | tag 16 | lsn 8 | CRC32C 4

What matters is said twice, in front of the payload and behind it, so whatever single place is damaged, it is known which
partition (``tag``) and entry (``lsn``) that place belonged to. All checksums but the segment header's are mixed with the
segment's ``salt``, which nobody outside knows: a pushed file cannot hold bytes that pass for a record.

``durable`` is how far the segment had been fsynced when the record was written. It tells a torn tail from damage: what is
unreadable was never acknowledged unless a readable record behind it says that it had been durable. ``previous end`` is how much
of the segment before counts; what may lie behind that was given up after a failed fsync.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator

import google_crc32c
from attrs import frozen

from ..errors import Code, GitalyError

FORMAT = 1
"""The version that this server writes, of segments and of records; it reads all up to it."""

_MAGIC = b"GTXWAL\r\n"
_SEGMENT = struct.Struct(">8sIQ16s16s16sQI")
_MARK = b"\xf7GtX"
_FRONT = struct.Struct(">4sBBHI16sQQI")
_SUM = struct.Struct(">I")
_BACK = struct.Struct(">BI16sQI")

SEGMENT_SIZE = _SEGMENT.size
OVERHEAD = _FRONT.size + _SUM.size + _BACK.size
MAXIMUM = 1 << 28
"""The largest payload in bytes: pushes have their large files beside the log, so only absurd writes come near it."""


class Kind(enum.IntEnum):
    """
    What a record says.
    """

    ENTRY = 1
    APPLIED = 2
    ABORTED = 3


class UnknownFormat(GitalyError):
    """
    The log was written by a newer version of this server, or by something else.
    """

    def __init__(self, message: str, name: str, why: str) -> None:
        super().__init__(message, Code.FAILED_PRECONDITION, {"segment": name, "error": why})


@frozen
class Segment:
    """
    A segment's header.

    :param number: from 1, without gaps.
    :param storage: 16 bytes that say whose log it is.
    :param boot: 16 bytes that say which run of the kernel wrote it.
    :param salt: 16 random bytes.
    :param previous_end: the size of the segment before, as far as it counts.
    """

    number: int
    storage: bytes
    boot: bytes
    salt: bytes
    previous_end: int = 0

    def encode(self) -> bytes:
        """
        As it stands in the file.
        """
        packed = _SEGMENT.pack(_MAGIC, FORMAT, self.number, self.storage, self.boot, self.salt, self.previous_end, 0)
        return packed[: -_SUM.size] + _SUM.pack(google_crc32c.value(packed[: -_SUM.size]))

    @classmethod
    def decode(cls, data: bytes, name: str) -> Segment:
        """
        :param data: the segment, or its beginning.
        :param name: what to call it in errors.
        :raises UnknownFormat: if it is no segment that this server can read.
        """
        if not data.startswith(_MAGIC):
            why = "it is empty" if not data.strip(b"\0") else "its first bytes are not those of a log"
            raise UnknownFormat(
                "write-ahead log holds a file that is no log: restore it from a backup, or move it out of the log's directory "
                "to give up what it held",
                name,
                why,
            )
        if len(data) >= 12 and int.from_bytes(data[8:12], "big") != FORMAT:
            version = int.from_bytes(data[8:12], "big")
            raise UnknownFormat(
                "write-ahead log has an unknown format: start the version of the server that wrote it", name, f"format {version}"
            )
        if (
            len(data) < SEGMENT_SIZE
            or google_crc32c.value(data[: SEGMENT_SIZE - 4]) != _SUM.unpack_from(data, SEGMENT_SIZE - 4)[0]
        ):
            raise UnknownFormat(
                "write-ahead log has a damaged segment header: restore it from a backup, or move it out of the log's directory "
                "to give up what it held",
                name,
                "checksum",
            )
        _, _, number, storage, boot, salt, previous_end, _ = _SEGMENT.unpack_from(data)
        return cls(number, storage, boot, salt, previous_end)


@frozen
class Record:
    """
    :param offset: where in its segment it begins.
    :param end: where it ends.
    :param durable: how far the segment was durable when the record was written.
    """

    kind: Kind
    tag: bytes
    lsn: int
    payload: bytes
    offset: int = 0
    end: int = 0
    durable: int = 0


@frozen
class Damage:
    """
    A part of a segment that cannot be read.

    :param kind: what kind of record it was, if that is known.
    :param tag: whose record it was; ``None`` if nobody can say.
    """

    offset: int
    end: int
    kind: int | None = None
    tag: bytes | None = None
    lsn: int = 0


def encode_record(segment: Segment, kind: Kind, tag: bytes, lsn: int, payload: bytes, durable: int) -> bytes:
    """
    One record of ``segment``, framed.
    """
    seed = _seed(segment)
    front = _FRONT.pack(_MARK, kind, FORMAT, 0, len(payload), tag, lsn, durable, 0)[: -_SUM.size]
    back = _BACK.pack(kind, len(payload), tag, lsn, 0)[: -_SUM.size]
    return b"".join((front, _sum(seed, front), payload, _sum(seed, payload), back, _sum(seed, back)))


def scan(segment: Segment, data: bytes, start: int, end: int) -> Iterator[Record | Damage]:
    """
    Everything between two offsets, in order: together it covers all bytes.

    :param data: the whole segment.
    :raises UnknownFormat: for a record of a newer version whose checksum is right.
    """
    seed = _seed(segment)
    while start < end:
        front = _front(data, start, end, seed)
        if front is None:
            following = _resynchronise(data, start + 1, end, seed)
            yield _described(data, start, following, seed)
            start = following
            continue
        kind, version, length, tag, lsn, durable = front
        after = start + OVERHEAD + length
        if version != FORMAT:
            raise UnknownFormat(
                "write-ahead log has an unknown format: start the version of the server that wrote it",
                f"{segment.number}",
                f"record of format {version} at {start}",
            )
        if after > end:
            yield Damage(start, end, kind, tag, lsn)
            return
        payload = data[start + _FRONT.size : start + _FRONT.size + length]
        if data[after - _BACK.size - _SUM.size : after - _BACK.size] != _sum(seed, payload) or kind not in _KINDS:
            yield Damage(start, after, kind, tag, lsn)
        else:
            # The trailer only repeats what stands in front, so damage there costs nothing.
            yield Record(Kind(kind), tag, lsn, payload, start, after, durable)
        start = after


_KINDS = frozenset(Kind)


def torn_at(found: list[Record | Damage], end: int) -> int:
    """
    Where the last segment's torn tail begins; ``end`` if it has none.

    Damage is a torn tail if no readable record behind it knows that place as durable: then nothing from there on was ever
    acknowledged.

    :param found: what :func:`scan` found in it.
    """
    known_durable = 0
    torn = end
    for item in reversed(found):
        if isinstance(item, Record):
            known_durable = max(known_durable, item.durable)
        elif known_durable <= item.offset:
            torn = item.offset
    return torn


def _seed(segment: Segment) -> int:
    return int(google_crc32c.value(segment.salt))


def _sum(seed: int, data: bytes) -> bytes:
    return _SUM.pack(google_crc32c.extend(seed, data))


def _front(data: bytes, start: int, end: int, seed: int) -> tuple[int, int, int, bytes, int, int] | None:
    if start + _FRONT.size > end or not data.startswith(_MARK, start):
        return None
    stop = start + _FRONT.size - _SUM.size
    if data[stop : stop + _SUM.size] != _sum(seed, data[start:stop]):
        return None
    _, kind, version, _, length, tag, lsn, durable, _ = _FRONT.unpack_from(data, start)
    return kind, version, length, tag, lsn, durable


def _resynchronise(data: bytes, start: int, end: int, seed: int) -> int:
    """
    Where the next readable header is, or ``end``.
    """
    while (found := data.find(_MARK, start, end)) >= 0:
        if _front(data, found, end, seed) is not None:
            return found
        start = found + 1
    return end


def _described(data: bytes, start: int, end: int, seed: int) -> Damage:
    """
    Whose record it was that ended at ``end``: its trailer says so, if that is whole.
    """
    at = end - _BACK.size
    if at > start and data[end - _SUM.size : end] == _sum(seed, data[at : end - _SUM.size]):
        kind, length, tag, lsn, _ = _BACK.unpack_from(data, at)
        if length + OVERHEAD == end - start:
            return Damage(start, end, kind, tag, lsn)
    return Damage(start, end)
