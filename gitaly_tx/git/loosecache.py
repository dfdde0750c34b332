"""
Loose objects that were read or written lately, in memory.

What somebody has just pushed or committed is what is asked for next, and it has files of its own until a repack.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict

from .looseobjects import loose_path
from .objectid import ObjectID

LARGEST = 64 << 10
"""Bytes of a content that is kept."""

_OVERHEAD = 384


class LooseCache:
    """
    Safe to use from many threads. An object counts only as long as its file is there; what a file of that name holds cannot
    change.

    :param maximum: bytes that are kept, over all repositories.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._bytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, ObjectID], tuple[bytes, bytes]] = OrderedDict()

    @property
    def size(self) -> int:
        """
        How many bytes are kept.
        """
        return self._bytes

    def get(self, object_directory: str, oid: ObjectID) -> tuple[bytes, bytes] | None:
        """
        :returns: type and content.
        """
        key = (object_directory, oid)
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
        if os.access(loose_path(object_directory, oid), os.F_OK):
            return found
        with self._lock:
            self._drop(key)
        return None

    def put(self, object_directory: str, oid: ObjectID, type: bytes, content: bytes) -> None:
        """
        Keep an object, if it is not too large.
        """
        if len(content) > LARGEST:
            return
        key = (object_directory, oid)
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = type, content
            self._bytes += len(content) + _OVERHEAD
            while self._bytes > self._maximum:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: tuple[str, ObjectID]) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self._bytes -= len(found[1]) + _OVERHEAD
