"""
Counts calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from ..errors import GitalyError
from ..observability.metrics import Metrics
from ..observability.tallies import Count, Spread
from ..rpc.call import Call, Door
from ..rpc.codes import go_name
from ..rpc.interfaces import IMiddleware, Proceed
from ..rpc.method import MethodInfo, Operation

UNKNOWN: Final = "unknown"
"""What is counted where a caller does not say it."""

OTHER: Final = "other"

MAXIMUM_NAMES: Final = 64
"""How many names of clients, and of places that call, are told apart."""

LONGEST_NAME: Final = 64

_TYPES: Final[Mapping[str, str]] = {name: name for name in ("none", "regular", "limited", "unlimited", "fast", "medium", "long")}
"""What callers may say of their deadlines."""


@implementer(IMiddleware)
class CallMetrics:
    """
    Counts what begins, what ends and how, how long it takes and how many bytes it moves; and who asked for it, as far as Gitaly
    counts that.

    :param metrics: the families.
    :param clock: measures the seconds.
    """

    def __init__(self, metrics: Metrics, clock: IReactorTime) -> None:
        self._metrics = metrics
        self._clock = clock
        self._methods: dict[str, _Method] = {}
        self._names, self._sites = Names(), Names()
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
            self._count_client(method, call, code)
            received, sent = self._bytes[call.door]
            received.inc(call.received)
            sent.inc(call.sent)

    def _count_client(self, method: _Method, call: Call, code: str) -> None:
        fields = call.fields
        method.asked_by(
            self._names.known(fields.get("grpc.meta.client_name", UNKNOWN)),
            self._sites.known(fields.get("grpc.meta.call_site", UNKNOWN)),
            fields.get("grpc.meta.auth_version", UNKNOWN),
            code,
            _TYPES.get(fields.get("grpc.meta.deadline_type", ""), UNKNOWN),
        ).inc()


class Names:
    """
    What callers call themselves, as values of a label. Each value costs memory for ever, so there may be so many and no more.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()

    def known(self, name: str) -> str:
        """
        :returns: the name, or what stands for all names that came too late or are too long.
        """
        if name in self._known:
            return name
        if len(self._known) >= MAXIMUM_NAMES or len(name) > LONGEST_NAME:
            return OTHER
        self._known.add(name)
        return name


class _Method:
    """
    The children of the families for one method, looked up once: labels cost more than counting.
    """

    __slots__ = ("_asked", "_client", "_codes", "_handled", "_labels", "_what", "in_flight", "seconds", "started")

    def __init__(self, metrics: Metrics, method: MethodInfo) -> None:
        self._labels = (method.kind, method.service, method.name)
        self.started: Count = metrics.calls_started.labels(*self._labels)
        self.seconds: Spread = metrics.calls_seconds.labels(*self._labels)
        self.in_flight = 0
        metrics.calls_in_flight.labels(method.service, method.name).set_function(lambda: self.in_flight)
        self._handled = metrics.calls_handled
        self._codes: dict[str, Count] = {}
        self._asked = metrics.client_requests
        self._client: dict[tuple[str, str, str, str, str], Count] = {}
        known = method.operation is not Operation.UNKNOWN
        self._what = (method.operation.name.lower(), method.scope.name.lower()) if known else (UNKNOWN, UNKNOWN)

    def handled(self, code: str) -> Count:
        found = self._codes.get(code)
        if found is None:
            found = self._codes[code] = self._handled.labels(*self._labels, code)
        return found

    def asked_by(self, name: str, site: str, auth: str, code: str, deadline: str) -> Count:
        key = (name, site, auth, code, deadline)
        found = self._client.get(key)
        if found is None:
            _, service, method = self._labels
            found = self._client[key] = self._asked.labels(name, service, method, site, auth, code, deadline, *self._what)
        return found
