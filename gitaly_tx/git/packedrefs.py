"""
The ``packed-refs`` file: many refs in one sorted file, which is always replaced and never changed in place.

It is read whole: a mapping would cost no memory, and end the process if the disk fails (SIGBUS).
"""

from __future__ import annotations

import re
import threading
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator

from attrs import define, field, frozen
from twisted.logger import Logger

from ..warm import needs_disk
from .fileidentity import MISSING, FileIdentity, identify
from .interfaces import Reference
from .names import is_valid_ref
from .objectid import ObjectID

HEADER = b"# pack-refs with: peeled fully-peeled sorted \n"
"""What git writes as the first line."""

UNPEELED_HEADER = b"# pack-refs with: sorted \n"
"""The first line of a file that does not say what tags stand for."""

PIECE = 1 << 20
"""Bytes of one piece of a new file's content."""

PARSED = 1 << 20
"""Bytes of a file whose entries are kept as values, once all below a directory were asked for."""

WEIGHT = 9
"""What an entry takes in memory then, with its bytes in the file: so many times the latter."""

FOUND = 1024
"""Names whose look-ups are remembered, for each version of a file."""

_log = Logger()

_ENTRY = re.compile(rb"(?m:^)([0-9a-f]{40}(?:[0-9a-f]{24})?) ([^\n]+)\n(?:\^([0-9a-f]{40}(?:[0-9a-f]{24})?)\n)?")


@frozen
class PackedRef:
    """
    :param peeled: what its tag stands for, where the file says so.
    """

    name: bytes
    target: ObjectID
    peeled: ObjectID | None = None


class _Garbled(Exception):
    """
    A look-up came across a line that is none of the format's.
    """


@define(eq=False)
class PackedRefs:
    """
    One version of the file. A look-up of one name is a binary search in the file's own bytes: a million refs are not parsed.

    Lines that are not of the format are passed over, where git would refuse to work at all; that is logged once.

    :param data: the file's content.
    """

    data: bytes
    path: str = ""
    _start: int = field(default=0, init=False)
    _peeled: bool = field(default=False, init=False)
    _sorted: bool = field(default=True, init=False)
    _parsed: tuple[list[bytes], list[PackedRef]] | None = field(default=None, init=False)
    _made: list[Reference] | None = field(default=None, init=False)
    _found: dict[bytes, PackedRef | None] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        traits: list[bytes] = []
        if self.data[:2] == b"# ":
            end = self.data.find(b"\n")
            self._start = len(self.data) if end < 0 else end + 1
            header = self.data[: self._start]
            if header.startswith(b"# pack-refs with:"):
                traits = header[len(b"# pack-refs with:") :].split()
        self._peeled = b"fully-peeled" in traits
        self._sorted = b"sorted" in traits
        if not self._sorted:
            self._rebuild()

    def find(self, name: bytes) -> PackedRef | None:
        """
        One ref.
        """
        try:
            return self._found[name]
        except KeyError:
            found = self._locate(name)
        if len(self._found) >= FOUND:
            self._found.clear()
        self._found[name] = entry = None if found is None else self._entry(found)
        return entry

    def below(self, prefix: bytes) -> Iterator[PackedRef]:
        """
        The refs whose names begin with ``prefix``, in their order.
        """
        if len(self.data) <= PARSED:
            names, entries = self._whole()
            yield from entries[bisect_left(names, prefix) : _after(names, prefix)]
            return
        for found in self._from(prefix):
            if not found.name.startswith(prefix):
                return
            yield found

    def references(self, prefix: bytes) -> list[Reference]:
        """
        The same as :meth:`below`, as whoever lists refs wants them.
        """
        if len(self.data) > PARSED:
            return list(map(_reference, self.below(prefix)))
        names, entries = self._whole()
        if self._made is None:
            self._made = list(map(_reference, entries))
        return self._made[bisect_left(names, prefix) : _after(names, prefix)]

    @property
    def weight(self) -> int:
        """
        What this takes in memory, in bytes; nearly so.
        """
        return len(self.data) * (WEIGHT if len(self.data) <= PARSED else 1)

    def _whole(self) -> tuple[list[bytes], list[PackedRef]]:
        if self._parsed is None:
            entries = list(self._from(b""))
            self._parsed = [entry.name for entry in entries], entries
        return self._parsed

    def has_any(self, names: Collection[bytes]) -> bool:
        """
        Whether any of these is in the file.
        """
        return any(self._locate(name) is not None for name in names)

    def without(self, names: Collection[bytes]) -> Iterator[bytes]:
        """
        The content of a file that lacks ``names`` and is otherwise the same, in pieces.
        """
        spans = sorted(found.span() for found in map(self._locate, names) if found is not None)
        data = self.data
        yield data[: self._start] if self._sorted else self._header()
        position = self._start
        for start, end in (*spans, (len(data), len(data))):
            for piece in range(position, start, PIECE):
                yield data[piece : min(piece + PIECE, start)]
            position = end

    def _header(self) -> bytes:
        traits = [b"peeled"] * (b" peeled" in self.data[: self._start]) + [b"fully-peeled"] * self._peeled
        return b" ".join([b"# pack-refs with:", *traits, b"sorted", b"\n"])

    def _locate(self, name: bytes) -> re.Match[bytes] | None:
        data, position = self._seek(name)
        found = _ENTRY.match(data, position)
        return found if found is not None and found[2] == name else None

    def _from(self, name: bytes) -> Iterator[PackedRef]:
        """
        The refs from ``name`` on.
        """
        data, position = self._seek(name)
        skipped = False
        for found in _ENTRY.finditer(data, position):
            skipped = skipped or found.start() != position
            position = found.end()
            if not is_valid_ref(found[2]):
                _log.warn("packed ref with a broken name left out", path=self.path, ref=found[2])
                continue
            yield self._entry(found)
        if skipped or position != len(data):
            _log.error("packed-refs holds lines that cannot be read", path=self.path)

    def _entry(self, found: re.Match[bytes]) -> PackedRef:
        peeled = found[3] if self._peeled else None
        return PackedRef(found[2], ObjectID(found[1]), None if peeled is None else ObjectID(peeled))

    def _seek(self, name: bytes) -> tuple[bytes, int]:
        """
        The content, and where in it the first entry is whose name is not less than ``name``.
        """
        try:
            return self.data, self._search(self.data, name)
        except _Garbled:
            self._rebuild()
            return self.data, self._search(self.data, name)

    def _search(self, data: bytes, name: bytes) -> int:
        low, high = self._start, len(data)
        while low < high:
            middle = data.rfind(b"\n", low, (low + high) // 2) + 1 or low
            if middle > low and data[middle : middle + 1] == b"^":
                middle = data.rfind(b"\n", low, middle - 1) + 1 or low
            found = _ENTRY.match(data, middle)
            if found is None:
                raise _Garbled
            if found[2] < name:
                low = found.end()
            else:
                high = middle
        return low

    def _rebuild(self) -> None:
        """
        Sort the entries and leave out what cannot be read. Only for files that git did not write, or not lately.
        """
        data = self.data
        entries = sorted((found[2], found[0]) for found in _ENTRY.finditer(data, self._start))
        content = b"".join(line for _, line in entries)
        if len(content) != len(data) - self._start:
            _log.error("packed-refs holds lines that cannot be read", path=self.path)
        self.data = data[: self._start] + content


def _reference(ref: PackedRef) -> Reference:
    return Reference(ref.name, ref.target, None, ref.peeled)


def _after(names: list[bytes], prefix: bytes) -> int:
    """
    Where in a sorted list the names end that begin with ``prefix``.
    """
    stem = prefix.rstrip(b"\xff")
    return bisect_left(names, stem[:-1] + bytes([stem[-1] + 1])) if stem else len(names)


class PackedRefsFiles:
    """
    The packed refs of repositories, looked at again at every use: what is kept is used only for a file that ``stat`` says is
    the same, and that did not change within the last moments.

    Safe to use from many threads.

    :param maximum: bytes of file contents that are kept, over all repositories. The file that was read last is kept however
        large it is.
    :param now: the wall clock in nanoseconds.
    """

    def __init__(self, maximum: int = 128 << 20, now: Callable[[], int] = time.time_ns) -> None:
        self._maximum = maximum
        self._now = now
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[FileIdentity, PackedRefs]] = OrderedDict()
        self._bytes = 0

    def read(self, directory: str) -> PackedRefs:
        """
        The packed refs of the repository at ``directory``, as they are now.

        :raises OSError: if the file cannot be read.
        """
        path = f"{directory}/packed-refs"
        identity = identify(path, self._now)
        if identity == MISSING:
            self.forget(directory)
            return _NONE
        with self._lock:
            kept = self._kept.get(directory)
            if kept is not None and kept[0] == identity and not kept[0].racy:
                self._kept.move_to_end(directory)
                return kept[1]
        needs_disk()
        try:
            identity, data = self._load(path)
        except FileNotFoundError:
            return _NONE
        refs = PackedRefs(data, path)
        with self._lock:
            self._drop(directory)
            self._kept[directory] = (identity, refs)
            self._bytes += refs.weight
            while len(self._kept) > 1 and self._bytes > self._maximum:
                self._drop(next(iter(self._kept)))
        return refs

    def _load(self, path: str) -> tuple[FileIdentity, bytes]:
        with open(path, "rb") as file:
            return identify(file.fileno(), self._now), file.read()

    def _drop(self, directory: str) -> None:
        dropped = self._kept.pop(directory, None)
        if dropped is not None:
            self._bytes -= dropped[1].weight

    def forget(self, directory: str) -> None:
        """
        Drop what is kept of a repository.
        """
        with self._lock:
            self._drop(directory)


_NONE = PackedRefs(b"")
