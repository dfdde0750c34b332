"""
What is logged while a test runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twisted.logger import LogEvent, globalLogPublisher

from gitaly_tx.observability.context import current_correlation_id, current_fields


@contextmanager
def logged(namespace: str = "gitaly_tx") -> Iterator[list[dict[str, Any]]]:
    """
    The events of one part of the server, with the correlation id and the call's fields that a log line would have.
    """
    events: list[dict[str, Any]] = []

    def observe(event: LogEvent) -> None:
        if str(event.get("log_namespace", "")).startswith(namespace):
            events.append({"correlation_id": current_correlation_id(), **current_fields(), **event})

    observer: Any = observe
    globalLogPublisher.addObserver(observer)
    try:
        yield events
    finally:
        globalLogPublisher.removeObserver(observer)
