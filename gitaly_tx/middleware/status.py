"""
Whatever goes wrong leaves here as a GitalyError with the code that the caller should get.
"""

from __future__ import annotations

from typing import Final

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ..errors import Code, GitalyError
from ..rpc.call import Call
from ..rpc.interfaces import IMiddleware, Proceed
from ..streams import StreamBroken

EARLY: Final = 0.05
"""
Seconds before its deadline from which a cancelled call counts as expired: grpc cancels at the deadline by its own clock, which
agrees with ours only roughly.
"""


@implementer(IMiddleware)
class Status:
    """
    Once a call is past its deadline or its caller has gone, that is the reason of every failure: the code says so, and the
    message keeps what was being tried. An exception that nobody foresaw is INTERNAL.

    :param clock: tells whether the deadline has passed.
    """

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock

    async def __call__(self, call: Call, proceed: Proceed) -> None:
        try:
            await proceed()
        except GitalyError as error:
            code = self._reason(call)
            if code is None or code is error.code:
                raise
            raise GitalyError(error.message, code, error.facts, error.details) from error
        except (CancelledError, StreamBroken) as error:
            if self._reason(call) is Code.DEADLINE_EXCEEDED:
                raise GitalyError("context deadline exceeded", Code.DEADLINE_EXCEEDED) from error
            raise GitalyError("context canceled", Code.CANCELLED) from error
        except Exception as error:
            self._log.failure("Call of {method} failed on its way to the method", method=call.method.path)
            raise GitalyError("internal error", Code.INTERNAL) from error

    def _reason(self, call: Call) -> Code | None:
        if call.deadline is not None:
            early = EARLY if call.cancelled else 0.0
            if self._clock.seconds() >= call.deadline - early:
                return Code.DEADLINE_EXCEEDED
        return Code.CANCELLED if call.cancelled else None
