"""
How many: a number that may change while it is in use.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field


@define(eq=False)
class Limit:
    """
    :param name: what the log and the metrics call it.
    :param initial: where it begins; 0 is "any number".
    :param minimum: the least that pressure makes it.
    :param maximum: the most that it grows to while there is none. The same as ``minimum`` for a limit that stays as it is.
    :ivar current: what holds now.
    """

    name: str
    initial: int
    minimum: int = field()
    maximum: int = field()
    current: int = field(init=False)
    _told: list[Callable[[], None]] = field(factory=list, init=False)

    @minimum.default
    def _minimum(self) -> int:
        return self.initial

    @maximum.default
    def _maximum(self) -> int:
        return self.initial

    def __attrs_post_init__(self) -> None:
        self.current = self.initial

    @property
    def adaptive(self) -> bool:
        """
        Whether it follows the machine's load.
        """
        return self.minimum < self.maximum

    def watch(self, told: Callable[[], None]) -> None:
        """
        :param told: called whenever it has changed.
        """
        self._told.append(told)

    def change(self, wanted: int) -> None:
        """
        Set it to what is wanted, or to the nearest that is allowed.
        """
        value = max(self.minimum, min(self.maximum, wanted))
        if value != self.current:
            self.current = value
            for told in self._told:
                told()
