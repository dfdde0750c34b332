"""
Feature flags that a caller sends along, kept on the call for whoever asks.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from zope.interface import implementer

from ..rpc.call import Call
from ..rpc.interfaces import IMiddleware, Proceed

PREFIX: Final = "gitaly-feature-"
"""What the metadata keys of flags begin with."""

_VALUES: Final = {"true": True, "false": False}


@implementer(IMiddleware)
class Flags:
    """
    Reads ``gitaly-feature-some-thing: true`` into ``call.flags["some_thing"]``. Any other value than ``true`` and ``false`` is as
    if the flag had not been sent. Those that are on are on the call's log line, as in Gitaly.
    """

    def __call__(self, call: Call, proceed: Proceed) -> Awaitable[None]:
        for key in call.metadata:
            if key.startswith(PREFIX):
                value = _VALUES.get(call.metadatum(key))
                if value is not None:
                    call.flags[key.removeprefix(PREFIX).replace("-", "_")] = value
        if call.flags and (enabled := sorted(name for name, value in call.flags.items() if value)):
            call.fields["feature_flags"] = " ".join(enabled)
        return proceed()
