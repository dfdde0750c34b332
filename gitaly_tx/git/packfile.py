"""
One pack with its index: the headers of its entries, and their contents once deltas are applied (gitformat-pack).

Nothing here has a state that a reader changes, but for a cache that has its own lock, so any number of threads may read.
"""

from __future__ import annotations

import itertools
import threading
import zlib
from collections import OrderedDict
from typing import NamedTuple

from dulwich.errors import ApplyDeltaError
from dulwich.pack import apply_delta

from ..warm import needs_disk
from .packindex import Damaged, OpenFile, PackIndex

TYPES = {1: b"commit", 2: b"tree", 3: b"blob", 4: b"tag"}
"""The types of whole entries."""

_OFFSET_DELTA = 6
_REF_DELTA = 7
_CHUNK = 4096
_LONGEST_CHAIN = 10_000


class TooLarge(Exception):
    """
    An object is larger than anybody here is ready to hold in memory.

    :ivar size: in bytes.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class ObjectCache:
    """
    Contents that were inflated or put together lately, for the next delta that is based on them. Shared by all packs.

    :param maximum: bytes, over all packs. Contents of more than an eighth of that are not kept.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._bytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, int], tuple[int, bytes]] = OrderedDict()
        self._offsets: dict[tuple[int, bytes], int] = {}
        self._infos: dict[tuple[int, int], tuple[bytes, int]] = {}

    def place(self, key: tuple[int, bytes]) -> int | None:
        """
        Where in a pack an object was found lately.

        :param key: the pack's serial number and the object's id.
        """
        return self._offsets.get(key)

    def remember(self, key: tuple[int, bytes], offset: int) -> None:
        """
        Keep in mind where in a pack an object is.
        """
        if len(self._offsets) >= _PLACES:
            self._offsets.clear()
        self._offsets[key] = offset

    def info(self, key: tuple[int, int]) -> tuple[bytes, int] | None:
        """
        Type and size of an object, if its content is kept or they were found lately.

        :param key: the pack's serial number and the entry's offset.
        """
        kept = self._kept.get(key)
        return self._infos.get(key) if kept is None else (TYPES[kept[0]], len(kept[1]))

    def remember_info(self, key: tuple[int, int], info: tuple[bytes, int]) -> None:
        """
        Keep in mind what an object is.
        """
        if len(self._infos) >= _INFOS:
            self._infos.clear()
        self._infos[key] = info

    @property
    def size(self) -> int:
        """
        How many bytes are kept.
        """
        return self._bytes

    def get(self, key: tuple[int, int]) -> tuple[int, bytes] | None:
        """
        :param key: the pack's serial number and the entry's offset.
        :returns: type and content.
        """
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: tuple[int, int], type: int, content: bytes) -> None:
        """
        Keep a content, if it is not too large.
        """
        if len(content) > self._maximum // 8:
            return
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = (type, content)
            self._bytes += len(content) + _OVERHEAD
            while self._bytes > self._maximum:
                _, (_, dropped) = self._kept.popitem(last=False)
                self._bytes -= len(dropped) + _OVERHEAD


_OVERHEAD = 256

_PLACES = 32_768
"""Objects whose places are kept in mind; some 5 MiB."""

_INFOS = 16_384
"""Objects whose types and sizes are kept in mind; some 4 MiB."""


class Entry(NamedTuple):
    """
    :param size: of what is deflated: the object, or the delta.
    :param position: where the deflated data begins in the pack.
    :param base: where the base of a delta begins in the pack.
    :param chunk: the first bytes of the deflated data.
    """

    type: int
    size: int
    position: int
    base: int | None
    chunk: bytes


class Pack:
    """
    :param path: without ``.pack``.
    :param cache: shared with other packs.
    :param largest: bytes; objects that are larger are not put together.
    :raises OSError: if one of the two files is gone.
    """

    _serials = itertools.count()

    def __init__(self, path: str, cache: ObjectCache, largest: int) -> None:
        self.index = PackIndex(path + ".idx")
        self._file = OpenFile(path + ".pack")
        self._end = self._file.size - self.index.id_length
        self._cache = cache
        self._largest = largest
        self._serial = next(self._serials)
        header = self._file.read(0, 12)
        if header[:4] != b"PACK" or header[4:8] not in (b"\0\0\0\x02", b"\0\0\0\x03"):
            raise Damaged("no pack")
        if int.from_bytes(header[8:12], "big") != self.index.count:
            raise Damaged("pack and index do not belong together")

    def find(self, oid: bytes) -> int | None:
        """
        As :meth:`PackIndex.find`.
        """
        key = (self._serial, oid)
        offset = self._cache.place(key)
        if offset is None:
            needs_disk()
            offset = self.index.find(oid)
            if offset is not None:
                self._cache.remember(key, offset)
        return offset

    def kept(self, oid: bytes) -> tuple[bytes, bytes] | None:
        """
        An object's type and content, if both the place and the content are in memory.
        """
        offset = self._cache.place((self._serial, oid))
        found = None if offset is None else self._cache.get((self._serial, offset))
        return None if found is None else (TYPES[found[0]], found[1])

    def entry(self, offset: int) -> Entry:
        """
        What an entry's header says.
        """
        needs_disk()
        if not 12 <= offset < self._end:
            raise Damaged("entry outside the pack")
        chunk = self._file.read(offset, _CHUNK)
        try:
            byte = chunk[0]
            at = 1
            type = (byte >> 4) & 7
            size = byte & 15
            shift = 4
            while byte & 0x80:
                byte = chunk[at]
                at += 1
                size |= (byte & 0x7F) << shift
                shift += 7
            if size >> 63:
                raise Damaged("entry of an impossible size")
            base = None
            if type == _OFFSET_DELTA:
                byte = chunk[at]
                at += 1
                distance = byte & 0x7F
                while byte & 0x80:
                    byte = chunk[at]
                    at += 1
                    distance = ((distance + 1) << 7) | (byte & 0x7F)
                base = offset - distance
                if distance <= 0 or base < 12:
                    raise Damaged("delta base outside the pack")
            elif type == _REF_DELTA:
                base = self.index.find(chunk[at : at + self.index.id_length])
                at += self.index.id_length
                if base is None:
                    raise Damaged("delta base not in the pack")
            elif type not in TYPES:
                raise Damaged("entry of an unknown type")
        except IndexError:
            raise Damaged("entry header ends early") from None
        return Entry(type, size, offset + at, base, chunk[at:])

    def info(self, offset: int) -> tuple[bytes, int]:
        """
        An object's type and size, without putting it together: a delta says the size of its result at its beginning, and the
        type is that of the entry at the end of the chain.
        """
        key = (self._serial, offset)
        info = self._cache.info(key)
        if info is None:
            info = self._info(offset)
            self._cache.remember_info(key, info)
        return info

    def _info(self, offset: int) -> tuple[bytes, int]:
        entry = self.entry(offset)
        size = entry.size if entry.base is None else self._result_size(entry)
        for _ in range(_LONGEST_CHAIN):
            if entry.base is None:
                return TYPES[entry.type], size
            entry = self.entry(entry.base)
        raise Damaged("delta chain has no end")

    def size(self, offset: int) -> int:
        """
        An object's size, without a look at what it is a delta of.
        """
        cached = self._cache.get((self._serial, offset))
        if cached is not None:
            return len(cached[1])
        entry = self.entry(offset)
        return entry.size if entry.base is None else self._result_size(entry)

    def read(self, offset: int) -> tuple[bytes, bytes]:
        """
        An object's type and content.

        :raises TooLarge: if it, or something that it is a delta of, is larger than ``largest``.
        """
        chain: list[tuple[int, Entry]] = []
        while True:
            cached = self._cache.get((self._serial, offset))
            if cached is not None:
                type, content = cached
                break
            entry = self.entry(offset)
            if entry.base is None:
                type, content = entry.type, self._inflate(entry)
                self._cache.put((self._serial, offset), type, content)
                break
            chain.append((offset, entry))
            if len(chain) > _LONGEST_CHAIN:
                raise Damaged("delta chain has no end")
            offset = entry.base
        for offset, entry in reversed(chain):
            content = self._apply(content, self._inflate(entry))
            self._cache.put((self._serial, offset), type, content)
        return TYPES[type], content

    def _apply(self, base: bytes, delta: bytes) -> bytes:
        sizes = _delta_sizes(delta)
        if sizes[0] != len(base):
            raise Damaged("delta does not fit its base")
        if sizes[1] > self._largest:
            raise TooLarge(sizes[1])
        try:
            return b"".join(apply_delta(base, delta))
        except (ApplyDeltaError, ValueError, IndexError) as error:
            raise Damaged(f"delta cannot be applied: {error}") from error

    def _result_size(self, entry: Entry) -> int:
        try:
            return _delta_sizes(zlib.decompressobj().decompress(entry.chunk, 32))[1]
        except zlib.error as error:
            raise Damaged(str(error)) from error

    def _inflate(self, entry: Entry) -> bytes:
        if entry.size > self._largest:
            raise TooLarge(entry.size)
        inflater = zlib.decompressobj()
        position = entry.position + len(entry.chunk)
        try:
            content = inflater.decompress(entry.chunk, entry.size + 1)
            pieces = [content]
            have = len(content)
            while not inflater.eof and have <= entry.size:
                chunk = self._file.read(position, max(_CHUNK, min(entry.size - have, 1 << 20)))
                if not chunk:
                    raise Damaged("entry ends early")
                position += len(chunk)
                pieces.append(inflater.decompress(inflater.unconsumed_tail + chunk, entry.size + 1 - have))
                have += len(pieces[-1])
        except zlib.error as error:
            raise Damaged(str(error)) from error
        if have != entry.size:
            raise Damaged("entry of a wrong size")
        return content if len(pieces) == 1 else b"".join(pieces)


def _delta_sizes(delta: bytes) -> tuple[int, int]:
    """
    The sizes of base and result, which a delta begins with.
    """
    sizes = []
    at = 0
    try:
        for _ in range(2):
            size = shift = 0
            while True:
                byte = delta[at]
                at += 1
                size |= (byte & 0x7F) << shift
                shift += 7
                if not byte & 0x80:
                    break
            if size >> 63:
                raise Damaged("delta of an impossible size")
            sizes.append(size)
    except IndexError:
        raise Damaged("delta ends early") from None
    return sizes[0], sizes[1]
