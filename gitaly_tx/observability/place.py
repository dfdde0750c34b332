"""
A place in a line, for whoever wants to tell somebody how many are ahead.

Whoever waits says so with :func:`watched_place` around the waiting; the line that they come to stand in finds that out by itself,
through however many layers there are between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_place: ContextVar[WatchedPlace | None] = ContextVar("gitaly_tx_place", default=None)


class WatchedPlace:
    """
    Where somebody stands.
    """

    def __init__(self) -> None:
        self._ahead: Callable[[], int | None] | None = None

    def stand(self, ahead: Callable[[], int | None]) -> None:
        """
        For lines.

        :param ahead: says how many come first; ``None`` for somebody who does not wait any more.
        """
        self._ahead = ahead

    @property
    def ahead(self) -> int | None:
        """
        How many come first; ``None`` for somebody who does not wait.
        """
        return None if self._ahead is None else self._ahead()


@contextmanager
def watched_place() -> Iterator[WatchedPlace]:
    """
    Watch where whoever waits inside of the ``with`` block comes to stand.
    """
    before, made = _place.get(), WatchedPlace()
    _place.set(made)
    try:
        yield made
    finally:
        _place.set(before)


def current_place() -> WatchedPlace | None:
    """
    For lines: who wants to know.
    """
    return _place.get()


__all__ = ["WatchedPlace", "current_place", "watched_place"]
