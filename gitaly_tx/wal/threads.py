"""
Work that blocks is handed to whoever has threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar

from twisted.internet.defer import Deferred

P = ParamSpec("P")
T = TypeVar("T")


class InThread(Protocol):
    """
    Does work elsewhere. The log's writer must be one that does one thing after the other, in order.
    """

    def __call__(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """
        :returns: fires in the reactor's thread with what ``work`` returned or raised. Cancelling it does not stop ``work``.
        """
