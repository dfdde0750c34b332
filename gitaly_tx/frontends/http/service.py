"""
The listener: an endpoint, a factory, a way to stop.
"""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint

from .channel import GitFactory, Patience
from .exchange import Door80
from .splice import IReactorForSplice


class HTTPService(Service):
    """
    git over HTTP on one address.

    :param endpoint: where to listen; with TLS if that is in it.
    :param grace: seconds that answers under way get when the server goes down.
    """

    def __init__(
        self,
        reactor: IReactorForSplice,
        endpoint: IStreamServerEndpoint,
        door: Door80,
        patience: Patience | None = None,
        grace: float = 60.0,
    ) -> None:
        self._reactor = reactor
        self._endpoint = endpoint
        self._door = door
        self._grace = grace
        self._factory = GitFactory(reactor, door, patience or Patience())
        self._port: IListeningPort | None = None

    async def listen(self) -> IListeningPort:
        """
        Begin to listen; what :func:`startService` does not wait for.

        :raises twisted.internet.error.CannotListenError: if the address is taken.
        """
        self._port = await self._endpoint.listen(self._factory)
        return self._port

    def stopService(self) -> Deferred[None]:
        """
        Stop accepting, let answers under way finish, cut what takes too long.
        """
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
        self._factory.close_idle()
        overdue = self._reactor.callLater(self._grace, self._factory.abort)
        await self._door.drained()
        if overdue.active():
            overdue.cancel()
        self._factory.close_idle()
