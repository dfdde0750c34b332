"""
Reading all segments of a log at start. Blocks; called in a thread.
"""

from __future__ import annotations

import os
from posixpath import join

from attrs import frozen

from ..errors import Code, GitalyError
from .layout import Disk, Layout, read_whole, sync_path
from .records import SEGMENT_SIZE, Segment, scan, torn_at
from .resolve import Read


@frozen
class WholeLog:
    """
    :param segments: all of them, oldest first.
    :param last: the number of the newest; 0 for none.
    :param end: how much of the newest counts.
    :param cut: bytes of a torn tail that were cut off.
    """

    segments: tuple[Read, ...]
    last: int = 0
    end: int = 0
    cut: int = 0


class SegmentsMissing(GitalyError):
    """
    Part of the log is not there.
    """

    def __init__(self, missing: int) -> None:
        super().__init__(
            "write-ahead log is incomplete: restore the missing segment from a backup",
            Code.FAILED_PRECONDITION,
            {"segment": missing},
        )


def read_log(layout: Layout, disk: Disk, storage: bytes, boot: bytes, first: int, keep: bool) -> WholeLog:
    """
    Read the segments from ``first`` on; cut the torn tail of the newest; make sure that what is read is durable.

    :param storage: the identity that they must have.
    :param boot: this run of the kernel.
    :param keep: move older segments aside instead of deleting them, because there is damage in some.
    :raises GitalyError: FAILED_PRECONDITION if the log is incomplete, not this storage's, or of an unknown format.
    """
    drop_segments(layout, first, keep_all=keep)
    for name in os.listdir(layout.log):
        if name.endswith(".new"):
            os.unlink(join(layout.log, name))
    numbers = layout.segments()
    for expected, number in enumerate(numbers or ([] if first == 1 else [0]), first):
        if number != expected:
            raise SegmentsMissing(expected)
    contents = [read_whole(layout.segment(number)) for number in numbers]
    headers = [_header(data, number, storage) for number, data in zip(numbers, contents, strict=True)]
    if not headers:
        return WholeLog(())
    reads = []
    for header, data, following in zip(headers, contents, headers[1:], strict=False):
        if len(data) < following.previous_end:
            raise GitalyError(
                "write-ahead log is incomplete: a segment is shorter than it was",
                Code.FAILED_PRECONDITION,
                {"segment": header.number, "size": len(data), "expected": following.previous_end},
            )
        found = tuple(scan(header, data, SEGMENT_SIZE, following.previous_end))
        reads.append(Read(header.number, found, header.boot == boot))
    header, data = headers[-1], contents[-1]
    listed = list(scan(header, data, SEGMENT_SIZE, len(data)))
    end = torn_at(listed, len(data))
    reads.append(Read(header.number, tuple(item for item in listed if item.offset < end), header.boot == boot))
    _settle_tail(layout, disk, header.number, end, len(data))
    return WholeLog(tuple(reads), header.number, end, len(data) - end)


def drop_segments(layout: Layout, first: int, damaged: frozenset[int] = frozenset(), keep_all: bool = False) -> int:
    """
    Delete the segments before ``first``; those with damage are moved aside and kept.

    :returns: how many there were.
    """
    numbers = [number for number in layout.segments() if number < first]
    for number in numbers:
        path = layout.segment(number)
        if keep_all or number in damaged:
            os.makedirs(layout.damaged, exist_ok=True)
            os.rename(path, join(layout.damaged, os.path.basename(path)))
            sync_path(layout.damaged)
        else:
            os.unlink(path)
    if numbers:
        sync_path(layout.log)
    return len(numbers)


def _header(data: bytes, number: int, storage: bytes) -> Segment:
    header = Segment.decode(data, str(number))
    if header.number != number or header.storage != storage:
        raise GitalyError(
            "write-ahead log holds a segment of another storage, or of another place: move it out of the log's directory",
            Code.FAILED_PRECONDITION,
            {"segment": number, "says": header.number},
        )
    return header


def _settle_tail(layout: Layout, disk: Disk, number: int, end: int, size: int) -> None:
    """
    What was written and not synced before a crash is read like everything else, so it must not vanish later.
    """
    descriptor = disk.open(layout.segment(number))
    try:
        if end < size:
            disk.truncate(descriptor, end)
        disk.sync(descriptor)
    finally:
        disk.close(descriptor)
