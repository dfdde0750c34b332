"""
Where objects are in a pack: the ``.idx`` file, versions 1 and 2 (gitformat-pack).

Files are read with ``pread`` and not mapped: a disk that fails is an :class:`OSError` then, and not the end of the process.
"""

from __future__ import annotations

import itertools
import os
import struct

_MAGIC = b"\xfftOc\0\0\0\x02"
_WINDOW = 256
_GUESSES = 4


class Damaged(Exception):
    """
    A file of the object database does not hold what its format says.
    """


class OpenFile:
    """
    A file that is open for reading at any place, by many threads at once. It is closed once nobody refers to it any more, so
    that it can be dropped from a cache while somebody still reads.
    """

    __slots__ = ("_descriptor", "size")

    def __init__(self, path: str) -> None:
        self._descriptor = -1
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._descriptor).st_size

    def read(self, offset: int, length: int) -> bytes:
        """
        Up to ``length`` bytes; fewer at the file's end.
        """
        found = os.pread(self._descriptor, length, offset)
        if len(found) == length or offset + len(found) >= self.size or not found:
            return found
        return found + self.read(offset + len(found), length - len(found))

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


class PackIndex:
    """
    One index. The length of its ids is found by what adds up to the file's size.

    :raises Damaged: if nothing does.
    :raises OSError: if the file cannot be read.
    """

    __slots__ = ("_fanout", "_file", "_large", "_names", "_offsets", "_stride", "id_length")

    def __init__(self, path: str) -> None:
        self._file = OpenFile(path)
        start = self._file.read(0, 8 + 1024)
        if start[:8] == _MAGIC:
            self._fanout = _fanout(start[8:])
            self.id_length = self._id_length()
            self._stride = self.id_length
            self._names = 8 + 1024
            self._offsets = self._names + (self.id_length + 4) * self.count
            self._large = self._offsets + 4 * self.count
        elif start[:4] == _MAGIC[:4]:
            raise Damaged("pack index of an unknown version")
        else:
            self._fanout = _fanout(start[:1024])
            self.id_length = 20
            self._stride = 24
            self._names = 1024 + 4
            self._offsets = self._large = 0
            if self._file.size != 1024 + 24 * self.count + 40:
                raise Damaged("pack index of a wrong size")

    @property
    def count(self) -> int:
        """
        How many objects the pack holds.
        """
        return self._fanout[255]

    def _id_length(self) -> int:
        for length in (20, 32):
            large = self._file.size - (8 + 1024 + (length + 8) * self.count + 2 * length)
            if large >= 0 and large % 8 == 0 and large // 8 <= self.count:
                return length
        raise Damaged("pack index of a wrong size")

    def find(self, oid: bytes) -> int | None:
        """
        Where an object begins in the pack.

        :param oid: as raw bytes, of either format.
        :returns: ``None`` if the pack does not have it.
        :raises Damaged: if the index contradicts itself.
        """
        if len(oid) != self.id_length:
            return None
        first = oid[0]
        low = self._fanout[first - 1] if first else 0
        high = self._fanout[first]
        # Ids are evenly spread, so the place can be guessed from the next bytes: mostly one read is enough.
        fraction = int.from_bytes(oid[1:5], "big")
        below, above = 0, 1 << 32
        for attempt in itertools.count():
            if low >= high:
                return None
            guess = low + (high - low) * (fraction - below) // max(1, above - below)
            if attempt >= _GUESSES:
                guess = (low + high) // 2
            begin = max(low, min(guess, high - 1) - _WINDOW // 2)
            end = min(high, begin + _WINDOW)
            window = self._read(begin, end)
            place = self._search(window, oid, end - begin)
            if place is not None:
                return self._offset(begin + place, window, place)
            if oid < window[: self.id_length]:
                high = begin
                above = max(fraction, int.from_bytes(window[1:5], "big"))
            elif oid > window[(end - begin - 1) * self._stride :][: self.id_length]:
                low = end
                last = (end - begin - 1) * self._stride
                below = min(fraction, int.from_bytes(window[last + 1 : last + 5], "big"))
            else:
                return None
        raise AssertionError("unreachable")

    def _read(self, begin: int, end: int) -> bytes:
        window = self._file.read(self._names + begin * self._stride, (end - begin - 1) * self._stride + self.id_length)
        if len(window) < (end - begin - 1) * self._stride + self.id_length:
            raise Damaged("pack index ends early")
        return window

    def _search(self, window: bytes, oid: bytes, count: int) -> int | None:
        position = window.find(oid)
        while position >= 0:
            if position % self._stride == 0:
                return position // self._stride
            position = window.find(oid, position + 1)
        return None

    def _offset(self, index: int, window: bytes, place: int) -> int:
        if not self._offsets:
            return int(_U32.unpack(self._file.read(self._names - 4 + index * 24, 4))[0])
        raw = self._file.read(self._offsets + 4 * index, 4)
        if len(raw) < 4:
            raise Damaged("pack index ends early")
        offset = int(_U32.unpack(raw)[0])
        if offset & 0x80000000:
            raw = self._file.read(self._large + 8 * (offset & 0x7FFFFFFF), 8)
            if len(raw) < 8:
                raise Damaged("pack index ends early")
            offset = int(_U64.unpack(raw)[0])
        return offset


_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")


def _fanout(table: bytes) -> tuple[int, ...]:
    if len(table) < 1024:
        raise Damaged("pack index ends early")
    found = struct.unpack(">256I", table)
    if any(one > other for one, other in itertools.pairwise(found)):
        raise Damaged("pack index is not in order")
    return found
