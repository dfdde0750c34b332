"""
What follows a call wherever it goes, over every Deferred: its correlation id, and the fields that its log lines share.

They are context variables. A coroutine that runs under ``Deferred.fromCoroutine`` keeps the context it was started in, so
whatever it awaits and whatever it calls sees the same values; a callback of somebody else's Deferred does not.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

_NOTHING: Mapping[str, Any] = MappingProxyType({})

_correlation_id: ContextVar[str] = ContextVar("gitaly_tx_correlation_id", default="")
_fields: ContextVar[Mapping[str, Any]] = ContextVar("gitaly_tx_log_fields", default=_NOTHING)


class bind:
    """
    Give everything inside of the ``with`` block a correlation id, and begin its log fields anew.

    :param correlation_id: what ties the log lines together.
    :param fields: what each of them says beside. The mapping is kept, not copied: what is added to it later shows up in later
        lines, so a call's own ``fields`` can be given here.
    """

    __slots__ = ("_before", "_now")

    def __init__(self, correlation_id: str, fields: Mapping[str, Any] | None = None) -> None:
        self._now = correlation_id, _NOTHING if fields is None else fields

    def __enter__(self) -> None:
        self._before = _correlation_id.get(), _fields.get()
        self._set(self._now)

    def __exit__(self, *_: object) -> None:
        # Not Token.reset: a generator that is closed from another context may come through here, and reset refuses that.
        self._set(self._before)

    def _set(self, values: tuple[str, Mapping[str, Any]]) -> None:
        _correlation_id.set(values[0])
        _fields.set(values[1])


def current_correlation_id() -> str:
    """
    The correlation id of what is going on, or an empty string outside of any call.
    """
    return _correlation_id.get()


def current_fields() -> Mapping[str, Any]:
    """
    The log fields of what is going on.
    """
    return _fields.get()


def add_to_fields(fields: Mapping[str, Any]) -> None:
    """
    Add to the log fields of what is going on, if it is a call.
    """
    current = _fields.get()
    if isinstance(current, MutableMapping):
        current.update(fields)


__all__ = ["add_to_fields", "bind", "current_correlation_id", "current_fields"]
