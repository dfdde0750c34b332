"""
The listener for those who watch.
"""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint

from .resources import MonitoringSite


class MonitoringService(Service):
    """
    ``/metrics``, ``/healthz`` and ``/readyz`` on an address of their own.

    It is the first to listen and the last to stop, so that whoever watches sees the server come and go.

    :param endpoint: where to listen.
    :param site: what is served.
    """

    def __init__(self, endpoint: IStreamServerEndpoint, site: MonitoringSite) -> None:
        self._endpoint = endpoint
        self._site = site
        self._port: IListeningPort | None = None

    async def listen(self) -> IListeningPort:
        """
        Begin to listen; what :func:`startService` does not wait for.

        :raises twisted.internet.error.CannotListenError: if the address is taken.
        """
        self._port = await self._endpoint.listen(self._site)
        return self._port

    def stopService(self) -> Deferred[None]:
        """
        Stop listening. Connections that are open stay until the process ends, so that a scrape under way gets its answer.
        """
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            await maybeDeferred(port.stopListening)


__all__ = ["MonitoringService"]
