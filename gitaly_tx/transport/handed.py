"""
Descriptors that a child is given.
"""

from __future__ import annotations

import os

from attrs import define, field


@define(eq=False)
class Handed:
    """
    Ours until the child has them; then they are closed here, so that only the child's are left, and their end is an end.

    :param numbers: the descriptors.
    """

    numbers: tuple[int, ...]
    _closed: bool = field(default=False, init=False)

    def close(self) -> None:
        """
        Close ours. Safe to repeat.
        """
        if not self._closed:
            self._closed = True
            for number in self.numbers:
                os.close(number)


NOTHING = Handed(())
"""For a child that is given none."""
