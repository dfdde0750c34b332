"""
The three pages, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from attrs import frozen
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request as HTTPRequest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from ...threads import IsPool, in_pool

_log = Logger()


@frozen
class Readiness:
    """
    Whether the server takes work.

    :param ready: yes or no.
    :param words: why not, or that it does; for people.
    """

    ready: bool
    words: str


Scrape = Callable[[], Deferred[bytes]]
"""Writes the numbers down."""


def scrape_in(reactor: Any, pool: IsPool, registry: CollectorRegistry) -> Scrape:
    """
    Write the numbers down in a thread: some thousand series take longer than the reactor should be held up. Who asks while that
    is being done gets the same answer.

    :param reactor: the reactor whose thread the Deferreds fire in.
    """
    waiting: list[Deferred[bytes]] = []

    def done(result: bytes | Failure) -> None:
        hear, waiting[:] = list(waiting), []
        for one in hear:
            one.callback(result)

    def scrape() -> Deferred[bytes]:
        answer: Deferred[bytes] = Deferred()
        waiting.append(answer)
        if len(waiting) == 1:
            in_pool(reactor, pool, generate_latest, registry).addBoth(done)
        return answer

    return scrape


class _Page(Resource):
    """
    A page without pages below it.
    """

    isLeaf = True

    def render(self, request: Request) -> Any:
        request.setHeader(b"server", b"gitaly-tx")
        request.setHeader(b"cache-control", b"no-store")
        if request.postpath and request.postpath != [b""]:
            return answer(request, 404, "not found")
        if request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"allow", b"GET, HEAD")
            return answer(request, 405, "method not allowed")
        return self.show(request)

    def show(self, request: Request) -> Any:
        """
        Answer a request for this page.
        """
        return answer(request, 404, "not found")


class Health(_Page):
    """
    ``/healthz``: the process lives, and its reactor answers.
    """

    def show(self, request: Request) -> bytes:
        return answer(request, 200, "alive")


class Ready(_Page):
    """
    ``/readyz``: 200 while the server takes work, 503 before and after.

    :param ready: asked on every request; it answers at once.
    """

    def __init__(self, ready: Callable[[], Readiness]) -> None:
        super().__init__()
        self._ready = ready

    def show(self, request: Request) -> bytes:
        readiness = self._ready()
        return answer(request, 200 if readiness.ready else 503, readiness.words)


class MetricsPage(_Page):
    """
    ``/metrics``: the numbers, in Prometheus' text format.
    """

    def __init__(self, scrape: Scrape) -> None:
        super().__init__()
        self._scrape = scrape

    def show(self, request: Request) -> Any:
        gone = request.notifyFinish()
        gone.addErrback(lambda _: None)
        self._scrape().addCallbacks(self._write, self._fail, callbackArgs=(request, gone), errbackArgs=(request, gone))
        return NOT_DONE_YET

    def _write(self, numbers: bytes, request: Request, gone: Deferred[None]) -> None:
        if gone.called:
            return
        request.setHeader(b"content-type", CONTENT_TYPE_PLAIN_0_0_4.encode())
        request.setHeader(b"content-length", str(len(numbers)).encode())
        request.write(numbers)
        request.finish()

    def _fail(self, failure: Failure, request: Request, gone: Deferred[None]) -> None:
        _log.failure("metrics cannot be written down", failure=failure)
        if gone.called:
            return
        request.write(answer(request, 500, "the numbers cannot be had; the log says why"))
        request.finish()


class _Root(_Page):
    """
    What is above the pages; everything that is none of them is not found.
    """

    isLeaf = False

    def getChild(self, path: bytes, request: Request) -> Resource:
        return _Page()


def answer(request: Request, status: int, words: str) -> bytes:
    """
    A short answer in words.
    """
    body = words.encode() + b"\n"
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"text/plain; charset=utf-8")
    request.setHeader(b"content-length", str(len(body)).encode())
    return body


class _Discarded(BytesIO):
    """
    A request's body, which nobody here wants.
    """

    def write(self, data: Any) -> int:
        return len(data)


class _Request(Request):
    """
    A request whose body goes nowhere, instead of into a temporary file.
    """

    def gotLength(self, length: int | None) -> None:
        self.content = _Discarded()


class MonitoringSite(Site):
    """
    The site with the three pages.

    :param reactor: for time-outs of idle connections.
    :param scrape: writes the numbers down.
    :param ready: says whether the server takes work.
    """

    noisy = False

    def __init__(self, reactor: Any, scrape: Scrape, ready: Callable[[], Readiness]) -> None:
        root = _Root()
        root.putChild(b"metrics", MetricsPage(scrape))
        root.putChild(b"healthz", Health())
        root.putChild(b"readyz", Ready(ready))
        super().__init__(root, requestFactory=_Request, timeout=60, reactor=reactor)

    def log(self, request: HTTPRequest) -> None:
        """
        Scrapes come every few seconds; a line for each would drown the log.
        """


__all__ = ["Health", "MetricsPage", "MonitoringSite", "Readiness", "Ready", "Scrape", "answer", "scrape_in"]
