"""
A bug in a method is told to the log, in full, and to the caller, in two words.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from zope.interface import implementer

from ..errors import Code, GitalyError
from ..rpc.call import Call
from ..rpc.interfaces import IMiddleware, Proceed
from ..streams import StreamBroken


@implementer(IMiddleware)
class Crash:
    """
    An exception that is not meant for the caller becomes INTERNAL; its Failure is logged once. The caller gets the correlation
    id, by which the log line can be found, and neither a traceback nor a path of this server.
    """

    _log = Logger()

    async def __call__(self, call: Call, proceed: Proceed) -> None:
        try:
            await proceed()
        except (GitalyError, CancelledError, StreamBroken):
            raise
        except Exception as error:
            self._log.failure("Method {method} crashed", method=call.method.path)
            message = f"internal error, correlation id {call.correlation_id}"
            raise GitalyError(message, Code.INTERNAL, {"error": repr(error)}) from error
