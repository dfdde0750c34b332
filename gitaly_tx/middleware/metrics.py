"""
Counts calls.
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from ..errors import GitalyError
from ..observability.metrics import Metrics
from ..rpc.call import Call, Door
from ..rpc.codes import go_name
from ..rpc.interfaces import IMiddleware, Proceed
from ..rpc.method import MethodInfo


@implementer(IMiddleware)
class CallMetrics:
    """
    Counts what begins, what ends and how, how long it takes and how many bytes it moves.

    :param metrics: the families.
    :param clock: measures the seconds.
    """

    def __init__(self, metrics: Metrics, clock: IReactorTime) -> None:
        self._metrics = metrics
        self._clock = clock
        self._methods: dict[str, _Method] = {}
        self._bytes = {door: (metrics.bytes.labels(door.value, "in"), metrics.bytes.labels(door.value, "out")) for door in Door}

    async def __call__(self, call: Call, proceed: Proceed) -> None:
        method = self._methods.get(call.method.path)
        if method is None:
            method = self._methods[call.method.path] = _Method(self._metrics, call.method)
        method.started.inc()
        method.in_flight += 1
        began = self._clock.seconds()
        code = "Unknown"
        try:
            await proceed()
            code = "OK"
        except GitalyError as error:
            code = go_name(error.code)
            raise
        finally:
            method.seconds.observe(self._clock.seconds() - began)
            method.in_flight -= 1
            method.handled(code).inc()
            received, sent = self._bytes[call.door]
            received.inc(call.received)
            sent.inc(call.sent)


class _Method:
    """
    The children of the families for one method, looked up once: labels cost more than counting.
    """

    __slots__ = ("_codes", "_handled", "_labels", "in_flight", "seconds", "started")

    def __init__(self, metrics: Metrics, method: MethodInfo) -> None:
        self._labels = (method.kind, method.service, method.name)
        self.started: Counter = metrics.calls_started.labels(*self._labels)
        self.seconds: Histogram = metrics.calls_seconds.labels(*self._labels)
        self.in_flight = 0
        metrics.calls_in_flight.labels(method.service, method.name).set_function(lambda: self.in_flight)
        self._handled = metrics.calls_handled
        self._codes: dict[str, Counter] = {}

    def handled(self, code: str) -> Counter:
        found = self._codes.get(code)
        if found is None:
            found = self._codes[code] = self._handled.labels(*self._labels, code)
        return found
