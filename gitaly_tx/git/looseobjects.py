"""
Objects that have a file of their own.
"""

from __future__ import annotations

import os
import re
import zlib

from .objectid import ObjectID
from .packfile import TooLarge
from .packindex import Damaged

_HEADER = re.compile(rb"(blob|tree|commit|tag) (0|[1-9][0-9]{0,18})\0")
_CHUNK = 4096


def loose_path(object_directory: str, oid: ObjectID) -> str:
    """
    Where an object would be.
    """
    digits = str(oid)
    return f"{object_directory}/{digits[:2]}/{digits[2:]}"


def info(object_directory: str, oid: ObjectID) -> tuple[bytes, int] | None:
    """
    An object's type and size; no more than its header is inflated.

    :returns: ``None`` if there is no such file.
    :raises Damaged: if it is no object.
    :raises OSError: if it cannot be read.
    """
    descriptor = _open(object_directory, oid)
    if descriptor is None:
        return None
    try:
        type, size, _, _ = _header(descriptor)
        return type, size
    finally:
        os.close(descriptor)


def read(object_directory: str, oid: ObjectID, largest: int) -> tuple[bytes, bytes] | None:
    """
    An object's type and content.

    :param largest: bytes; larger ones are not inflated.
    :returns: ``None`` if there is no such file.
    :raises TooLarge: if it is larger.
    :raises Damaged: if it is no object.
    :raises OSError: if it cannot be read.
    """
    descriptor = _open(object_directory, oid)
    if descriptor is None:
        return None
    try:
        type, size, inflater, begun = _header(descriptor)
        if size > largest:
            raise TooLarge(size)
        pieces = [begun]
        have = len(begun)
        try:
            while not inflater.eof and have <= size:
                chunk = inflater.unconsumed_tail or os.read(descriptor, 1 << 16)
                if not chunk:
                    raise Damaged("object ends early")
                pieces.append(inflater.decompress(chunk, size + 1 - have))
                have += len(pieces[-1])
        except zlib.error as error:
            raise Damaged(str(error)) from error
        if have != size or inflater.unused_data:
            raise Damaged("object of a wrong size")
        return type, b"".join(pieces)
    finally:
        os.close(descriptor)


def _open(object_directory: str, oid: ObjectID) -> int | None:
    try:
        return os.open(loose_path(object_directory, oid), os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _header(descriptor: int) -> tuple[bytes, int, zlib._Decompress, bytes]:
    inflater = zlib.decompressobj()
    try:
        begun = inflater.decompress(os.read(descriptor, _CHUNK), 64)
    except zlib.error as error:
        raise Damaged(str(error)) from error
    found = _HEADER.match(begun)
    if found is None:
        raise Damaged("object without a header")
    return found[1], int(found[2]), inflater, begun[found.end() :]
