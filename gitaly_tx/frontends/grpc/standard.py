"""
The two services that every gRPC server has: health and reflection.

They are services like the others: they pass the same middlewares, so both need the token.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse
from grpc_reflection.v1alpha.reflection import ReflectionServicer
from twisted.internet.defer import Deferred
from zope.interface import implementer

from ...errors import Code, GitalyError
from ...rpc.call import Call
from ...rpc.interfaces import IMethods

HEALTH: Final = "grpc.health.v1.Health"
REFLECTION: Final = "grpc.reflection.v1alpha.ServerReflection"


@implementer(IMethods)
class Health:
    """
    Whether the server takes work: NOT_SERVING from the start until :meth:`serving`, and again from :meth:`stopping` on. The whole
    server (an empty name) and each of its services have the same status.

    :param services: the names that may be asked for.
    """

    service = HEALTH

    def __init__(self, services: Iterable[str]) -> None:
        self._names = frozenset({"", *services})
        self._status = HealthCheckResponse.NOT_SERVING
        self._watchers: set[Deferred[None]] = set()

    def serving(self) -> None:
        """
        From now on the server takes work.
        """
        self._change(HealthCheckResponse.SERVING)

    def stopping(self) -> None:
        """
        From now on it does not.
        """
        self._change(HealthCheckResponse.NOT_SERVING)

    async def Check(self, call: Call, request: HealthCheckRequest) -> HealthCheckResponse:
        """
        :raises GitalyError: NOT_FOUND for a service that is not here.
        """
        if request.service not in self._names:
            raise GitalyError("unknown service", Code.NOT_FOUND)
        return HealthCheckResponse(status=self._status)

    async def Watch(self, call: Call, request: HealthCheckRequest) -> AsyncIterator[HealthCheckResponse]:
        """
        The status now, and whenever it changes.
        """
        if request.service not in self._names:
            yield HealthCheckResponse(status=HealthCheckResponse.SERVICE_UNKNOWN)
        told: Any = None
        while True:
            if request.service in self._names and told != self._status:
                told = self._status
                yield HealthCheckResponse(status=told)
                continue
            change: Deferred[None] = Deferred()
            self._watchers.add(change)
            try:
                await change
            finally:
                self._watchers.discard(change)

    async def List(self, call: Call, request: HealthListRequest) -> HealthListResponse:
        """
        The status of everything that may be asked for.
        """
        status = HealthCheckResponse(status=self._status)
        return HealthListResponse(statuses=dict.fromkeys(self._names, status))

    def _change(self, status: HealthCheckResponse.ServingStatus) -> None:
        self._status = status
        for watcher in list(self._watchers):
            watcher.callback(None)


@implementer(IMethods)
class Reflection:
    """
    Tells a client that has no ``.proto`` files what there is, so that ``grpcurl`` and its like work. grpcio has the v1alpha
    service only; clients try v1 first and then this one.

    :param services: the full names of all services.
    """

    service = REFLECTION

    def __init__(self, services: Iterable[str]) -> None:
        self._servicer = ReflectionServicer(sorted({*services, HEALTH, REFLECTION}))

    async def ServerReflectionInfo(self, call: Call, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """
        One answer for each question.
        """
        async for request in requests:
            for answer in self._servicer.ServerReflectionInfo(iter([request]), None):
                yield answer
