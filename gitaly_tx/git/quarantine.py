"""
What is done with an object directory that a write prepares: plain functions that touch the disk and run in threads.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import zlib
from collections.abc import Callable, Iterable
from typing import Any

from .objectid import ObjectFormat, ObjectID

OBJECT_TYPES = (b"blob", b"tree", b"commit", b"tag")
"""The types that an object may have."""

_FANOUT = re.compile(r"[0-9a-f]{2}\Z")
_LOOSE = re.compile(r"[0-9a-f]{38}(?:[0-9a-f]{24})?\Z")
_PACK = re.compile(r"pack-[0-9a-f]{40}(?:[0-9a-f]{24})?\.(\w+)\Z")

_BLOCK = 4000
"""
Bytes for which a file takes one block of a disk however well it is deflated, so it is not: to deflate a tree costs more than all
else that is done to write it. A repack deflates it with everything else.
"""

# An index makes its pack visible, so it goes last; .keep files and whatever has another name were never meant to stay.
_PACK_ORDER = ("pack", "mtimes", "promisor", "rev", "bitmap", "idx")


def object_id(object_format: ObjectFormat, type: bytes, data: bytes) -> ObjectID:
    """
    The id that an object has.
    """
    digest = _digest(object_format)
    digest.update(b"%s %d\0" % (type, len(data)))
    digest.update(data)
    return ObjectID(digest.hexdigest())


def make_object_directory(path: str) -> None:
    """
    Make an empty object directory, with its parents. Safe to repeat.
    """
    os.makedirs(os.path.join(path, "pack"), exist_ok=True)
    os.makedirs(os.path.join(path, "info"), exist_ok=True)


def write_loose_object(object_directory: str, object_format: ObjectFormat, type: bytes, data: bytes) -> ObjectID:
    """
    As :func:`write_loose_pieces`, for an object that is in memory.
    """
    return write_loose_pieces(object_directory, object_format, type, len(data), [data])


def loose_object(object_format: ObjectFormat, type: bytes, data: bytes) -> tuple[ObjectID, bytes]:
    """
    An object's id, and the content of its file.

    :param type: one of :data:`OBJECT_TYPES`.
    :raises ValueError: for another type.
    """
    if type not in OBJECT_TYPES:
        raise ValueError("unknown object type")
    whole = b"%b %d\0%b" % (type, len(data), data)
    digest = _digest(object_format)
    digest.update(whole)
    compressor = _compressor(len(whole))
    return ObjectID(digest.hexdigest()), compressor.compress(whole) + compressor.flush()


def write_loose_pieces(
    object_directory: str, object_format: ObjectFormat, type: bytes, size: int, pieces: Iterable[bytes]
) -> ObjectID:
    """
    Add a loose object, visible at once and whole. Not durable: the write-ahead log fsyncs what it takes.

    :param type: one of :data:`OBJECT_TYPES`.
    :param size: of all pieces together.
    :raises ValueError: for another type, or another size.
    :raises OSError: if the disk does; then nothing is left behind.
    """
    if type not in OBJECT_TYPES:
        raise ValueError("unknown object type")
    header = b"%b %d\0" % (type, size)
    digest = _digest(object_format)
    digest.update(header)
    compressor = _compressor(size)
    temporary = os.path.join(object_directory, f"tmp_obj_{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
    try:
        with open(descriptor, "wb") as file:
            file.write(compressor.compress(header))
            for piece in pieces:
                size -= len(piece)
                digest.update(piece)
                file.write(compressor.compress(piece))
            file.write(compressor.flush())
        if size:
            raise ValueError("object of a wrong size")
        digits = digest.hexdigest()
        parent = os.path.join(object_directory, digits[:2])
        try:
            os.rename(temporary, os.path.join(parent, digits[2:]))
        except FileNotFoundError:
            os.makedirs(parent, exist_ok=True)
            os.rename(temporary, os.path.join(parent, digits[2:]))
    except BaseException:
        os.unlink(temporary)
        raise
    return ObjectID(digits)


def staged_files(object_directory: str) -> list[str]:
    """
    The files of an object directory that belong into a repository, relative to it and ``/``-separated: loose objects first, then
    packs, what belongs to them, and their indices last. Temporary files and anything with an unknown name are left out.
    """
    loose: list[str] = []
    packs: list[tuple[int, str]] = []
    for entry in _entries(object_directory):
        if _FANOUT.match(entry.name):
            loose.extend(f"{entry.name}/{file.name}" for file in _entries(entry.path) if _is_plain(file, _LOOSE))
    for entry in _entries(os.path.join(object_directory, "pack")):
        found = _PACK.match(entry.name)
        if found and found[1] in _PACK_ORDER and entry.is_file(follow_symlinks=False):
            packs.append((_PACK_ORDER.index(found[1]), f"pack/{entry.name}"))
    return sorted(loose) + [name for _, name in sorted(packs)]


def remove_tree(path: str) -> None:
    """
    Remove a directory with all that is in it, while somebody may still be writing into it. Safe to repeat.

    :raises OSError: if something cannot be removed.
    """
    try:
        _remove(path)
        return
    except OSError:
        pass  # The careful way then.
    for _ in range(3):
        shutil.rmtree(path, onerror=_missing_is_fine)
        if not os.path.lexists(path):
            return
    shutil.rmtree(path)


def _remove(path: str) -> None:
    """
    Without the precautions of :func:`shutil.rmtree`, which cost more than the removal itself.
    """
    for entry in _entries(path):
        if entry.is_dir(follow_symlinks=False):
            _remove(entry.path)
        else:
            os.unlink(entry.path)
    try:
        os.rmdir(path)
    except FileNotFoundError:
        pass


def _digest(object_format: ObjectFormat) -> hashlib._Hash:
    return hashlib.sha1(usedforsecurity=False) if object_format is ObjectFormat.SHA1 else hashlib.sha256()


def _compressor(size: int) -> zlib._Compress:
    """
    For so many bytes.
    """
    return zlib.compressobj(0, zlib.DEFLATED, 12, 4) if size <= _BLOCK else zlib.compressobj(1)


def _missing_is_fine(function: Callable[..., Any], path: str, info: Any) -> None:
    error = info[1]
    # A directory that is not empty got a new file meanwhile: the next round takes it.
    if not isinstance(error, FileNotFoundError) and not (isinstance(error, OSError) and function is os.rmdir):
        raise error


def _entries(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_plain(entry: os.DirEntry[str], pattern: re.Pattern[str]) -> bool:
    return pattern.match(entry.name) is not None and entry.is_file(follow_symlinks=False)
