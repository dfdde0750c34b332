"""
Gives every call an id that ties together whatever happens because of it.
"""

from __future__ import annotations

import random
import re
import secrets
from collections.abc import Callable
from typing import Final

from zope.interface import implementer

from ..observability.context import bind
from ..rpc.call import Call
from ..rpc.interfaces import IMiddleware, Proceed

CORRELATION_KEY: Final = "x-gitlab-correlation-id"

_HARMLESS = re.compile(r"[!-~]{1,255}", re.ASCII)
"""What is taken from a caller: the id goes into logs, metadata and the environment of programs."""


_random = random.Random(secrets.randbits(128))
"""Begins with what the system gives; to ask the system for every id costs as much as all else here. Ids are no secrets."""


def new_correlation_id() -> str:
    """
    32 hexadecimal digits that nobody else has.
    """
    return f"{_random.getrandbits(128):032x}"


@implementer(IMiddleware)
class Correlation:
    """
    The caller's ``x-gitlab-correlation-id``, or one that the door set already, or a new one. The rest of the call runs with it,
    and with the call's log fields, bound to its context, so git's children and every log line get them.

    :param make: makes an id for a caller who has none.
    """

    def __init__(self, make: Callable[[], str] = new_correlation_id) -> None:
        self._make = make

    async def __call__(self, call: Call, proceed: Proceed) -> None:
        given = call.correlation_id or call.metadatum(CORRELATION_KEY)
        call.correlation_id = given if _HARMLESS.fullmatch(given) is not None else self._make()
        with bind(call.correlation_id, call.fields):
            await proceed()
