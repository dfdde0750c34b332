"""
Tests for :mod:`gitaly_tx.frontends.monitoring`.
"""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet import reactor as installed
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.error import CannotListenError, ConnectionDone
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import TestCase

from gitaly_tx.frontends.monitoring.resources import MonitoringSite, Readiness, scrape_in
from gitaly_tx.frontends.monitoring.service import MonitoringService
from gitaly_tx.observability.metrics import Metrics

reactor: Any = installed


class Client(Protocol):
    """
    Sends one request and collects everything until the server closes.
    """

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._received = b""
        self.done: Deferred[bytes] = Deferred()

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(self._request)

    def dataReceived(self, data: bytes) -> None:
        self._received += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.done.callback(self._received)


class MonitoringTests(TestCase):
    """
    Three pages, and nothing else.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        self.readiness = Readiness(True, "ready")
        self.metrics = Metrics(CollectorRegistry(), process=False)
        pool = ThreadPool(0, 1)
        pool.start()
        self.addCleanup(pool.stop)
        site = MonitoringSite(Clock(), scrape_in(reactor, pool, self.metrics.registry), lambda: self.readiness)
        self.service = MonitoringService(TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"), site)
        self.service.startService()
        self.port = await self.service.listen()
        self.addCleanup(self.service.stopService)

    async def send(self, request: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
        address: Any = self.port.getHost()
        client = Client(request)
        await connectProtocol(HostnameEndpoint(reactor, address.host, address.port), client)
        head, _, body = (await client.done).partition(b"\r\n\r\n")
        status, *headers = head.split(b"\r\n")
        pairs = [line.partition(b": ") for line in headers]
        return int(status.split()[1]), {name.lower(): value for name, _, value in pairs}, body

    async def ask(self, path: bytes, method: bytes = b"GET") -> tuple[int, dict[bytes, bytes], bytes]:
        return await self.send(b"%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % (method, path))

    async def test_metrics(self) -> None:
        """
        The numbers come in Prometheus' text format.
        """
        self.metrics.git_children.set(7)
        status, headers, body = await self.ask(b"/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(headers[b"content-type"].startswith(b"text/plain; version=0.0.4"))
        self.assertIn(b"\ngitaly_tx_git_children 7.0\n", body)
        self.assertEqual(headers[b"content-length"], str(len(body)).encode())

    async def test_scrapes_share(self) -> None:
        """
        Many who ask at once all get an answer.
        """
        answers = [Deferred.fromCoroutine(self.ask(b"/metrics")) for _ in range(5)]
        for answer in answers:
            self.assertEqual((await answer)[0], 200)

    async def test_alive(self) -> None:
        """
        ``/healthz`` answers while the process lives, ready or not.
        """
        self.readiness = Readiness(False, "starting")
        status, headers, body = await self.ask(b"/healthz")
        self.assertEqual((status, body), (200, b"alive\n"))
        self.assertEqual(headers[b"server"], b"gitaly-tx")
        self.assertEqual(headers[b"cache-control"], b"no-store")

    async def test_ready(self) -> None:
        """
        ``/readyz`` says by its status whether the server takes work, and in words why not.
        """
        self.assertEqual((await self.ask(b"/readyz"))[::2], (200, b"ready\n"))
        self.readiness = Readiness(False, "replaying the log: 3 entries left")
        self.assertEqual((await self.ask(b"/readyz"))[::2], (503, b"replaying the log: 3 entries left\n"))

    async def test_nothing_else(self) -> None:
        """
        Every other path is not found, in plain words that say nothing of the server.
        """
        for path in (b"/", b"/x", b"/metrics/x", b"/healthz/../x", b"/readyz/x", b"/metricsx", b"/%2e%2e/etc/passwd", b"//"):
            status, headers, body = await self.ask(path)
            self.assertEqual((status, body), (404, b"not found\n"), path)
            self.assertEqual(headers[b"server"], b"gitaly-tx")

    async def test_methods(self) -> None:
        """
        Only reading is possible, and HEAD has no body; a body that is sent is not kept.
        """
        status, headers, body = await self.ask(b"/metrics", b"HEAD")
        self.assertEqual((status, body), (200, b""))
        self.assertEqual((await self.ask(b"/healthz", b"HEAD"))[::2], (200, b""))
        status, headers, body = await self.ask(b"/metrics", b"DELETE")
        self.assertEqual((status, headers[b"allow"]), (405, b"GET, HEAD"))
        post = b"POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000
        self.assertEqual((await self.send(post))[0], 405)

    def test_client_gone(self) -> None:
        """
        A client that goes away before its numbers are there does no harm, whether there are numbers in the end or not.
        """
        results: list[Any] = [b"numbers", Failure(ZeroDivisionError())]
        for result in results:
            scrapes: list[Deferred[bytes]] = [Deferred()]
            (scrape,) = scrapes
            site = MonitoringSite(Clock(), scrapes.pop, lambda: self.readiness)
            protocol: Any = site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
            transport = StringTransport()
            protocol.makeConnection(transport)
            protocol.dataReceived(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            protocol.connectionLost(Failure(ConnectionDone()))
            scrape.callback(result)
            self.assertEqual(transport.value(), b"")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def test_no_line_for_a_scrape(self) -> None:
        """
        A scrape leaves nothing in the log.
        """
        with capturedLogs() as events:
            await self.ask(b"/metrics")
        self.assertEqual([event for event in events if "metrics" in str(event)], [])

    async def test_broken_numbers(self) -> None:
        """
        If the numbers cannot be written down the answer is an error, and the log says why.
        """

        def broken() -> float:
            raise ZeroDivisionError("no number")

        self.metrics.git_children.set_function(broken)
        status, _, body = await self.ask(b"/metrics")
        self.assertEqual((status, body), (500, b"the numbers cannot be had; the log says why\n"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.metrics.git_children.set_function(lambda: 1.0)
        self.assertEqual((await self.ask(b"/metrics"))[0], 200)

    async def test_taken(self) -> None:
        """
        An address that is taken is an error at once.
        """
        endpoint = TCP4ServerEndpoint(reactor, self.port.getHost().port, interface="127.0.0.1")  # type: ignore[attr-defined]
        site = MonitoringSite(Clock(), lambda: Deferred(), lambda: self.readiness)
        second = MonitoringService(endpoint, site)
        with self.assertRaises(CannotListenError):
            await second.listen()
        await second.stopService()
