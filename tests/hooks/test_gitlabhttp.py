"""
Requests to an application.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IAgentEndpointFactory, IPolicyForHTTPS
from zope.interface.verify import verifyObject

from gitaly_tx.errors import GitalyError
from gitaly_tx.hooks import gitlabhttp
from gitaly_tx.hooks.gitlabhttp import (
    HIGH_WATER,
    Authorities,
    Body,
    GitlabHTTP,
    Login,
    SocketEndpoints,
    Trust,
    Unreachable,
    agent_for,
    base_url,
    read_authorities,
    signed,
    socket_path,
)
from gitaly_tx.observability.context import bind
from gitaly_tx.streams import StreamBroken
from tests.support.application import SECRET, Application, claims_of
from tests.support.certificates import write_certificate
from tests.support.events import logged

reactor: Any = installed

NOW = 1_700_000_000.5


class SignedTests(SynchronousTestCase):
    """
    ``signed``.
    """

    def test_claims(self) -> None:
        """
        The token says who asks, when, and until when that is true; it is signed with the secret.
        """
        self.assertEqual(claims_of(signed(SECRET, NOW)), {"iss": "gitlab-shell", "iat": 1_700_000_000, "exp": 1_700_000_060})

    def test_other_secret(self) -> None:
        """
        Another secret makes another signature.
        """
        self.assertIsNone(claims_of(signed(b"other", NOW)))

    def test_known(self) -> None:
        """
        The token is what other programs make of the same.
        """
        self.assertEqual(
            signed(b"foo", 1_700_000_000),
            "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9"
            ".eyJpc3MiOiAiZ2l0bGFiLXNoZWxsIiwgImlhdCI6IDE3MDAwMDAwMDAsICJleHAiOiAxNzAwMDAwMDYwfQ"
            ".1pz2jGX_uIXWl2lxWLwvE7dQvwdrMoNE07p5ZF51ENI",
        )


class UrlTests(SynchronousTestCase):
    """
    Where the API is.
    """

    def test_http(self) -> None:
        """
        Below the URL, whatever slashes it ends with; the relative root is not for it.
        """
        self.assertEqual(base_url("http://host/root/", "/other"), "http://host/root/api/v4/internal")

    def test_socket(self) -> None:
        """
        On a socket it is below the relative root; the socket's path is URL-encoded.
        """
        url = "http+unix://%2Frun%2Fa%20b.sock"
        self.assertEqual(base_url(url, "/root/"), "http://unix/root/api/v4/internal")
        self.assertEqual(base_url(url, ""), "http://unix/api/v4/internal")
        self.assertEqual(socket_path(url), "/run/a b.sock")


class BodyTests(SynchronousTestCase):
    """
    ``Body``.
    """

    def setUp(self) -> None:
        self.body = Body()
        self.transport = StringTransport()
        self.body.makeConnection(self.transport)

    def test_back_pressure(self) -> None:
        """
        The application waits while much is unread.
        """
        self.body.dataReceived(b"x" * HIGH_WATER)
        self.assertEqual(self.transport.producerState, "producing")
        self.body.dataReceived(b"x")
        self.body.dataReceived(b"x")
        self.assertEqual(self.transport.producerState, "paused")
        self.successResultOf(self.body.content.read())
        self.assertEqual(self.transport.producerState, "producing")

    def test_end(self) -> None:
        """
        A body ends with its length or, if it has none, with the connection; otherwise it broke off.
        """
        for end in (ResponseDone(), PotentialDataLoss()):
            body = Body()
            body.connectionLost(Failure(end))
            self.assertEqual(self.successResultOf(body.content.read()), b"")
        self.body.connectionLost(Failure(ConnectionError()))
        self.failureResultOf(self.body.content.read(), StreamBroken)

    def test_abandoned(self) -> None:
        """
        What is not wanted any more ends the connection; what is complete does not need to.
        """
        self.body.abandon()
        self.assertEqual(self.transport.producerState, "stopped")
        done = Body()
        done.connectionLost(Failure(ResponseDone()))
        done.abandon()


class SendTests(TestCase):
    """
    ``GitlabHTTP`` over real sockets.
    """

    timeout = 20

    def setUp(self) -> None:
        self.application = Application()
        self.addCleanup(self.application.stop)

    def http(self, url: str, clock: IReactorTime = reactor, authorities: bytes = b"", **more: Any) -> GitlabHTTP:
        """
        What is tested.
        """
        agent = agent_for(reactor, url, read_authorities(authorities) if authorities else [])
        return GitlabHTTP(agent, clock, base_url(url, "/root"), SECRET, lambda: NOW, "gitaly/1", **more)

    async def test_request(self) -> None:
        """
        A request carries what it is about as JSON, who asks, and the correlation id of the call that it is made for.
        """
        http = self.http(self.application.listen())
        with bind("abc"):
            answer, body = await Deferred.fromCoroutine(http.read("POST", "/allowed", {"a": "é"}))
        self.assertEqual((answer.status, answer.media_type), (200, "application/json"))
        self.assertEqual(body, b'{"status": true, "message": ""}')
        (asked,) = self.application.asked
        self.assertEqual((asked.method, asked.uri, asked.body), ("POST", "/api/v4/internal/allowed", {"a": "é"}))
        self.assertEqual(asked.claims, {"iss": "gitlab-shell", "iat": 1_700_000_000, "exp": 1_700_000_060})
        self.assertEqual(asked.headers["content-type"], "application/json")
        self.assertEqual(asked.headers["user-agent"], "gitaly/1")
        self.assertEqual(asked.headers["x-request-id"], "abc")
        self.assertEqual(asked.headers["connection"], "close")
        self.assertNotIn("authorization", asked.headers)

    async def test_login(self) -> None:
        """
        A user and a password go along where they are configured, and in no representation of anything.
        """
        login = Login("alpha", "top secret")
        http = self.http(self.application.listen(), login=login)
        await http.read("GET", "/check")
        self.assertEqual(self.application.asked[0].headers["authorization"], "Basic YWxwaGE6dG9wIHNlY3JldA==")
        self.assertNotIn("x-request-id", self.application.asked[0].headers)
        for text in (repr(login), repr(http)):
            self.assertNotIn("top secret", text)
            self.assertNotIn("shared", text)

    async def test_renewed(self) -> None:
        """
        Another secret counts from the next request on.
        """
        http = self.http(self.application.listen())
        self.assertFalse(http.renew(SECRET))
        self.assertTrue(http.renew(b"other"))
        await http.read("GET", "/check")
        self.assertIsNone(self.application.asked[0].claims)

    async def test_no_redirects(self) -> None:
        """
        Whoever redirects is not followed: that is the answer.
        """
        self.application.location = self.application.listen() + "/elsewhere"
        self.application.answers["check"] = (302, None, b"")
        answer, body = await self.http(self.application.listen()).read("GET", "/check")
        self.assertEqual((answer.status, answer.media_type, body, len(self.application.asked)), (302, "", b"", 1))

    async def test_socket(self) -> None:
        """
        An application is reached over a Unix socket, below the relative root.
        """
        path = os.path.join(os.path.relpath(self.mktemp()))
        os.makedirs(path)
        path = os.path.join(path, "s")
        self.application.listen_at(path)
        answer, _ = await self.http("http+unix://" + path.replace("/", "%2F")).read("GET", "/check")
        self.assertEqual((answer.status, self.application.asked[0].uri), (200, "/root/api/v4/internal/check"))

    async def test_https(self) -> None:
        """
        A certificate that a configured authority signed is good; any other is not, and nothing is said to whoever has it.
        """
        certificate, key = write_certificate(self.mktemp())
        url = self.application.listen(certificate=(certificate, key))
        content = Path(certificate).read_bytes()
        answer, _ = await self.http(url, authorities=content).read("GET", "/check")
        self.assertEqual(answer.status, 200)
        with logged() as events, self.assertRaises(Unreachable):
            await self.http(url).read("GET", "/check")
        self.assertEqual(len(self.application.asked), 1)
        self.assertIn("certificate", events[0]["why"])

    async def test_nobody(self) -> None:
        """
        If nobody listens, that is said; the log has the reason, and no secret.
        """
        with logged() as events, self.assertRaises(Unreachable) as caught:
            await self.http("http://127.0.0.1:1").read("GET", "/lfs?oid=1")
        self.assertEqual(str(caught.exception), "Internal API unreachable")
        self.assertEqual(events[0]["path"], "/lfs")
        self.assertIn("refused", events[0]["why"])

    async def test_silent(self) -> None:
        """
        An application that does not answer is given up after the configured time.
        """
        clock = Clock()
        self.application.silent = True
        asking = Deferred.fromCoroutine(self.http(self.application.listen(), clock=clock, seconds=7.0).read("GET", "/check"))
        await self.arrived()
        clock.advance(6.9)
        self.assertNoResult(asking)
        clock.advance(0.2)
        with self.assertRaises(Unreachable):
            await asking

    async def test_cancelled(self) -> None:
        """
        Whoever does not wait any more ends the request, and is not told that the application is unreachable.
        """
        self.application.silent = True
        asking = Deferred.fromCoroutine(self.http(self.application.listen()).read("GET", "/check"))
        await self.arrived()
        asking.cancel()
        with self.assertRaises(CancelledError):
            await asking

    async def test_cancelled_in_the_body(self) -> None:
        """
        The same while an answer comes in.
        """
        begun: Deferred[None] = Deferred()

        class Watched(Body):
            def connectionMade(self) -> None:
                reactor.callLater(0, begun.callback, None)

        self.patch(gitlabhttp, "Body", Watched)
        self.application.silent = True
        http = self.http(self.application.listen())
        asking = Deferred.fromCoroutine(http.read("GET", "/check"))
        await self.arrived()
        self.application.held[0].write(b"x" * 10)
        await begun
        asking.cancel()
        with self.assertRaises(CancelledError):
            await asking

    async def test_broken_off(self) -> None:
        """
        An answer that breaks off, or is longer than anybody needs, is none.
        """
        self.application.silent = True
        http = self.http(self.application.listen())
        asking = Deferred.fromCoroutine(http.read("GET", "/check"))
        await self.arrived()
        request: Any = self.application.held[0]
        request.setHeader("content-length", "100")
        request.write(b"x")
        request.transport.loseConnection()
        with self.assertRaises(Unreachable):
            await asking
        self.application.silent = False
        self.patch(gitlabhttp, "MAXIMUM", 10)
        self.application.answers["check"] = (200, None, b"x" * 11)
        with self.assertRaises(Unreachable):
            await http.read("GET", "/check")

    async def arrived(self) -> None:
        """
        Wait until a request has come to a silent application.
        """
        while not self.application.held:
            await self.turn()

    async def turn(self) -> None:
        """
        Let the reactor do something else.
        """
        turned: Deferred[None] = Deferred()
        reactor.callLater(0.001, turned.callback, None)
        await turned


class TrustTests(SynchronousTestCase):
    """
    Whom to believe that they are the application.
    """

    def test_interfaces(self) -> None:
        """
        The parts are what Twisted's agent wants.
        """
        verifyObject(IPolicyForHTTPS, Trust(Authorities([])))
        verifyObject(IAgentEndpointFactory, SocketEndpoints(reactor, "/x"))

    def test_authorities(self) -> None:
        """
        A PEM file holds any number of certificates, but at least one, and good ones.
        """
        one = Path(write_certificate(self.mktemp())[0]).read_bytes()
        self.assertEqual(len(read_authorities(b"# comment\n" + one + one)), 2)
        for bad in (b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
            with self.assertRaises(GitalyError):
                read_authorities(bad)
