"""
What follows a call wherever it goes, over every Deferred: its correlation id, and the fields that its log lines share.

They are context variables. A coroutine that runs under ``Deferred.fromCoroutine`` keeps the context it was started in, so
whatever it awaits and whatever it calls sees the same values; a callback of somebody else's Deferred does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

_NOTHING: Mapping[str, Any] = MappingProxyType({})

_correlation_id: ContextVar[str] = ContextVar("gitaly_tx_correlation_id", default="")
_fields: ContextVar[Mapping[str, Any]] = ContextVar("gitaly_tx_log_fields", default=_NOTHING)


@contextmanager
def bind(correlation_id: str, fields: Mapping[str, Any] | None = None) -> Iterator[None]:
    """
    Give everything inside of the ``with`` block a correlation id, and begin its log fields anew.

    :param correlation_id: what ties the log lines together.
    :param fields: what each of them says beside. The mapping is kept, not copied: what is added to it later shows up in later
        lines, so a call's own ``fields`` can be given here.
    """
    before_id, before_fields = _correlation_id.get(), _fields.get()
    _correlation_id.set(correlation_id)
    _fields.set(_NOTHING if fields is None else fields)
    try:
        yield
    finally:
        # Not Token.reset: a generator that is closed from another context may come through here, and reset refuses that.
        _correlation_id.set(before_id)
        _fields.set(before_fields)


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
