"""
The end of the log that is written to. Everything here runs in the one thread that writes.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from typing import NoReturn

from attrs import define, field, frozen

from ..errors import Code, GitalyError
from ..observability.failpoints import failpoint
from .entry import encode, encode_note, tag_of
from .interfaces import Entry, Head, LogFailed, LogFull, Manifest, Partition
from .layout import Disk, Layout
from .records import MAXIMUM, SEGMENT_SIZE, Kind, Segment, encode_record

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


@frozen
class Wish:
    """
    An entry that somebody wants to be in the log.
    """

    manifest: Manifest
    expected: Head


@frozen
class Note:
    """
    Something is to be said of an entry.
    """

    partition: Partition
    head: Head


@frozen
class Written:
    """
    :param results: for each wish the entry, or why it cannot be one.
    :param segment: the number of the segment that they are in.
    :param size: bytes written.
    :param seconds: how long the fsync took; 0 if there was none.
    """

    results: Sequence[Entry | GitalyError]
    segment: int
    size: int
    seconds: float


@define
class Writer:
    """
    Appends to the newest segment, and begins a new one when told to, or when a failed fsync leaves it in doubt what the old one
    holds. Nothing that failed is ever taken up by a later success: a failed write is cut off again, and a segment that is in
    doubt ends, as far as anybody reads it, where it was known to be durable.

    The first segment is made with the first record, so that a server whose disk is full can start and read.

    :param storage: 16 bytes that say whose log it is.
    :param boot: 16 bytes that say which run of the kernel this is.
    :param number: of the newest segment that exists; 0 for none.
    :param previous_end: how much of it counts.
    """

    _layout: Layout
    _disk: Disk
    _leader: str
    _storage: bytes
    _boot: bytes
    _monotonic: Callable[[], float]
    number: int
    previous_end: int
    _segment: Segment | None = field(default=None, init=False)
    _file: int = field(default=-1, init=False)
    _end: int = field(default=0, init=False)
    _durable: int = field(default=0, init=False)
    _failed: str | None = field(default=None, init=False)

    @property
    def size(self) -> int:
        """
        Bytes of records in the segment that is written to.
        """
        return 0 if self._segment is None else self._end - SEGMENT_SIZE

    def write(self, wishes: Sequence[Wish], applied: Sequence[Note], aborted: Sequence[Note] = ()) -> Written:
        """
        Write entries and notes, and make them durable unless there are only notes that entries were applied.

        :raises LogFull: if nothing was written because there is no space.
        :raises LogFailed: if nothing was written because the disk failed.
        """
        segment = self._current()
        results: list[Entry | GitalyError] = []
        parts = [self._note(segment, Kind.APPLIED, note) for note in applied]
        parts += [self._note(segment, Kind.ABORTED, note) for note in aborted]
        for wish in wishes:
            try:
                entry, payload = encode(wish.manifest, wish.expected, self._leader)
                if len(payload) > MAXIMUM:
                    raise GitalyError("write is too large for the log", Code.RESOURCE_EXHAUSTED, {"bytes": len(payload)})
            except GitalyError as error:
                results.append(error)
                continue
            results.append(entry)
            tag = tag_of(entry.manifest.partition.path)
            parts.append(encode_record(segment, Kind.ENTRY, tag, entry.head.lsn, payload, self._durable))
        data = b"".join(parts)
        self._append(data)
        seconds = 0.0
        if aborted or any(isinstance(result, Entry) for result in results):
            seconds = self._sync()
        return Written(results, segment.number, len(data), seconds)

    def roll(self) -> int:
        """
        Begin a new segment, if there is anything in the newest one. If there is no space for it now, the next write begins it.

        :returns: the number of the segment that is written to from now on; all before are complete.
        """
        if self._failed is not None:
            raise LogFailed(self._failed)
        if self.size:
            self._sync()
            self._let_go()
        if self._segment is None and self.number:
            try:
                self._begin()
            except OSError:
                return self.number + 1
        return max(self.number, 1)

    def close(self) -> None:
        """
        Let go of the file. The next write begins a new segment.
        """
        if self._segment is not None:
            self._let_go()

    def _note(self, segment: Segment, kind: Kind, note: Note) -> bytes:
        tag = tag_of(note.partition.path)
        return encode_record(segment, kind, tag, note.head.lsn, encode_note(note.head), self._durable)

    def _current(self) -> Segment:
        if self._failed is not None:
            raise LogFailed(self._failed)
        if self._segment is None:
            try:
                self._begin()
            except OSError as error:
                self._refuse(error)
        assert self._segment is not None
        return self._segment

    def _append(self, data: bytes) -> None:
        try:
            failpoint("wal.append.before_write")
            self._disk.write(self._file, data, self._end)
            failpoint("wal.append.after_write")
        except OSError as error:
            # Part of it may be there. It must be gone for good before anybody is told that it is not in the log.
            try:
                self._disk.truncate(self._file, self._end)
                self._disk.sync(self._file)
            except OSError:
                self._doubt(error)
            self._refuse(error)
        self._end += len(data)

    def _sync(self) -> float:
        began = self._monotonic()
        try:
            self._disk.sync(self._file)
            failpoint("wal.append.after_fsync")
        except OSError as error:
            self._doubt(error)
        self._durable = self._end
        return self._monotonic() - began

    def _doubt(self, error: OSError) -> NoReturn:
        """
        The kernel may have thrown away what it could not write and forgotten about it, so a second fsync proves nothing. What is
        not known to be durable is given up, by a new segment that says so in its header.
        """
        self.previous_end = self._durable
        self._drop_file()
        try:
            self._begin()
        except OSError as second:
            self._failed = f"{error}; {second}"
            raise LogFailed(self._failed, uncertain=True) from error
        self._refuse(error)

    def _refuse(self, error: OSError) -> NoReturn:
        if error.errno in _NO_SPACE:
            raise LogFull(str(error)) from error
        if error.errno == errno.EROFS:
            raise GitalyError("storage is read-only", Code.FAILED_PRECONDITION, {"error": str(error)}) from error
        raise LogFailed(str(error)) from error

    def _begin(self) -> None:
        """
        Make the next segment. It gets its name only when it is durable, so no segment is ever found half made.
        """
        segment = Segment(self.number + 1, self._storage, self._boot, os.urandom(16), self.previous_end)
        path = self._layout.segment(segment.number)
        temporary = path + ".new"
        try:
            os.unlink(temporary)
        except FileNotFoundError:
            pass
        file = self._disk.create(temporary)
        try:
            self._disk.write(file, segment.encode(), 0)
            self._disk.sync(file)
            failpoint("wal.segment.after_create")
            self._disk.rename(temporary, path)
            failpoint("wal.segment.after_rename")
            self._disk.sync_directory(self._layout.log)
        except OSError:
            self._disk.close(file)
            for name in (temporary, path):
                try:
                    os.unlink(name)
                except OSError:
                    pass
            raise
        self._segment, self._file, self.number = segment, file, segment.number
        self._end = self._durable = SEGMENT_SIZE

    def _let_go(self) -> None:
        self.previous_end = self._durable
        self._drop_file()

    def _drop_file(self) -> None:
        self._segment = None
        try:
            self._disk.close(self._file)
        except OSError:
            pass  # Linux has let go of the descriptor all the same.
        self._file = -1
