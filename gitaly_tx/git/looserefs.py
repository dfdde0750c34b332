"""
Refs that have a file of their own: one look at a file, and the walk over all of them.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from functools import lru_cache

from attrs import frozen
from twisted.logger import Logger

from .names import is_valid_ref
from .objectid import ObjectID

_log = Logger()

_VALUE = re.compile(rb"([0-9a-f]{40}(?:[0-9a-f]{24})?)(?:\s|\Z)", re.IGNORECASE)

MAXIMUM = 8192
"""Bytes; a ref's file has no more."""


@frozen
class LooseRef:
    """
    What a ref's file says; neither a target nor a name for another ref means that the file is broken.
    """

    target: ObjectID | None = None
    symbolic: bytes | None = None

    @property
    def broken(self) -> bool:
        """
        Whether nothing can be made of the file.
        """
        return self.target is None and self.symbolic is None


BROKEN = LooseRef()
"""A file that is no ref."""


@lru_cache(maxsize=1024)
def parse(content: bytes) -> LooseRef:
    """
    The content of a ref's file, of which no more than :data:`MAXIMUM` bytes were read. Most are read many times.
    """
    if content.startswith(b"ref:"):
        name = content[4:].strip()
        return LooseRef(symbolic=name) if is_valid_ref(name) else BROKEN
    found = _VALUE.match(content)
    if found is None:
        return BROKEN
    target = ObjectID(found[1].lower())
    return BROKEN if target.is_zero else LooseRef(target)


def read(directory: bytes, name: bytes) -> LooseRef | None:
    """
    One ref's file.

    :param directory: the repository.
    :param name: the ref, checked by the caller, or ``HEAD``.
    :returns: ``None`` if there is no such file.
    :raises OSError: if it cannot be read.
    """
    path = directory + b"/" + name
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return None
        if not os.path.islink(path):
            raise
        return _linked(path)
    try:
        return parse(os.read(descriptor, MAXIMUM))
    except IsADirectoryError:
        return None
    finally:
        os.close(descriptor)


def _linked(path: bytes) -> LooseRef | None:
    """
    A symbolic link is an old way to make a symbolic ref; it is never followed anywhere else.
    """
    try:
        name = os.readlink(path)
    except FileNotFoundError:
        return None
    return LooseRef(symbolic=name) if is_valid_ref(name) else BROKEN


def walk(directory: bytes, prefix: bytes = b"refs/") -> Iterator[tuple[bytes, LooseRef]]:
    """
    All refs below a prefix that have files, in no order.

    Names that are not well-formed are logged and left out; broken files are not left out. What vanishes meanwhile is passed over.

    :param prefix: ends in ``/``.
    """
    waiting = [prefix]
    while waiting:
        prefix = waiting.pop()
        try:
            with os.scandir(directory + b"/" + prefix) as scanned:
                entries = list(scanned)
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in entries:
            if entry.name.startswith(b".") or entry.name.endswith(b".lock"):
                continue
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                waiting.append(name + b"/")
            elif not is_valid_ref(name):
                _log.warn("ref with a broken name left out", path=directory, ref=name)
            else:
                found = read(directory, name)
                if found is not None:
                    yield name, found


def any_below(directory: bytes, name: bytes) -> bytes | None:
    """
    Some ref that has a file in the directory that ``name`` would be the file of; ``None`` if there is none.
    """
    return min((found for found, _ in walk(directory, name + b"/")), default=None)
