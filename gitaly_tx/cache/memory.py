"""
Values in memory, bounded in bytes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from attrs import define, field, frozen

OVERHEAD = 1024
"""Bytes that a value is counted for besides its own."""


@frozen
class _Kept:
    mark: Hashable
    value: bytes


@define(eq=False)
class MarkedBytes:
    """
    Bytes by key, each with a mark that says of what state it is. Those that were not used for the longest time go first.

    :param most: bytes of all values.
    """

    _most: int
    _kept: OrderedDict[Hashable, _Kept] = field(factory=OrderedDict, init=False)
    size: int = field(default=0, init=False)

    def get(self, key: Hashable, mark: Hashable) -> bytes | None:
        """
        :param mark: as it is now; a value with another one is worth nothing any more.
        """
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.mark != mark:
            self.drop(key)
            return None
        self._kept.move_to_end(key)
        return kept.value

    def put(self, key: Hashable, mark: Hashable, value: bytes) -> None:
        """
        Keep a value, if it is not too large by itself.
        """
        self.drop(key)
        if len(value) + OVERHEAD > self._most:
            return
        self._kept[key] = _Kept(mark, value)
        self.size += len(value) + OVERHEAD
        while self.size > self._most:
            self.drop(next(iter(self._kept)))

    def drop(self, key: Hashable) -> None:
        """
        Forget a value, if it is there.
        """
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.size -= len(kept.value) + OVERHEAD
