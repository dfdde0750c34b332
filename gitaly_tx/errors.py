"""
How the server says that something could not be done.

One exception, :class:`GitalyError`, carries a constant text, a code, the facts for the log and typed details for the caller.
This module knows neither gRPC nor HTTP nor SSH: each front end translates codes in its own ``status.py`` or ``errors.py``.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any


class Code(enum.IntEnum):
    """
    What kind of failure it is, with the numbers of gRPC's status codes
    (https://grpc.io/docs/guides/status-codes/).
    """

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class GitalyError(Exception):
    """
    Something that was asked for could not be done, and the caller is told why.

    :param message: a short text in lower case that says what was tried. The caller sees it, so it holds no path of the server.
    :param code: the kind of failure, or ``None`` to leave that to whoever wraps this error; an error that reaches the caller
        without a code is :attr:`Code.INTERNAL`.
    :param facts: what varies (paths, names, sizes); it goes to the log and never to the caller.
    :param details: protobuf messages that travel with the status, outermost first.
    """

    def __init__(
        self,
        message: str,
        code: Code | None = None,
        facts: Mapping[str, Any] | None = None,
        details: tuple[Any, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.given_code = code
        self.facts: dict[str, Any] = dict(facts or {})
        self.details = details

    @property
    def code(self) -> Code:
        """
        The code that the caller gets.
        """
        return Code.INTERNAL if self.given_code is None else self.given_code

    def wrapped(self, prefix: str, code: Code | None = None, details: tuple[Any, ...] = ()) -> GitalyError:
        """
        This error with ``prefix: `` before its text.

        The innermost explicit code wins: ``code`` takes effect only if this error has none. Facts are kept, and ``details`` go
        before this error's own.
        """
        made = GitalyError(
            f"{prefix}: {self.message}",
            self.given_code if self.given_code is not None else code,
            self.facts,
            (*details, *self.details),
        )
        made.__cause__ = self
        return made
