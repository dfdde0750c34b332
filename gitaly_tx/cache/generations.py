"""
When a repository was written last: what makes a key of the cache another one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from itertools import count

from attrs import define, field

REMEMBERED = 100_000
"""Repositories whose last write is remembered."""


@define(eq=False)
class Generations:
    """
    A number for each repository that is another one after each write. One that is forgotten, because so many others were written
    since, gets a new number now and then without a write: that costs a copy, and is never wrong.
    """

    _most: int = REMEMBERED
    _known: OrderedDict[Hashable, int] = field(factory=OrderedDict, init=False)
    _next: count[int] = field(factory=lambda: count(1), init=False)
    _floor: int = field(default=0, init=False)

    def of(self, repository: Hashable) -> int:
        """
        Its number.
        """
        return self._known.get(repository, self._floor)

    def written(self, repository: Hashable) -> None:
        """
        It was written.
        """
        self._known[repository] = next(self._next)
        self._known.move_to_end(repository)
        while len(self._known) > self._most:
            _, self._floor = self._known.popitem(last=False)
