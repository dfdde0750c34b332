"""
Tests for git over HTTP: a real listener, real sockets, and a scripted service behind it.
"""

from __future__ import annotations

import base64
import gzip
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IListeningPort
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.frontends.http.channel import Patience
from gitaly_tx.frontends.http.exchange import INFLATED_LIMIT, Door80
from gitaly_tx.frontends.http.service import HTTPService
from gitaly_tx.rpc.call import Call, Door
from gitaly_tx.streams import ISpliceSink, StreamBroken
from protocols.git import smarthttp
from protocols.gitaly.smarthttp_pb2 import InfoRefsResponse
from tests.frontends.doors import KnownUsers, Scripted, refuse, resolve

GET = b"GET /team/thing.git/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /team/thing.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-git-receive-pack-request\r\n"


class Answer:
    """
    A response, taken apart.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        head, _, rest = raw.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        self.status = int(lines[0].split()[1]) if head else 0
        self.headers = {k.lower(): v.strip() for k, _, v in (line.partition(b":") for line in lines[1:])}
        self.body = b""
        if b"content-length" in self.headers:
            length = int(self.headers[b"content-length"])
            self.body, self.rest = rest[:length], rest[length:]
        elif self.headers.get(b"transfer-encoding") == b"chunked":
            self.complete = False
            while rest:
                size, _, rest = rest.partition(b"\r\n")
                count = int(size, 16)
                self.body += rest[:count]
                rest = rest[count + 2 :]
                if count == 0:
                    self.complete = True
                    break
            self.rest = rest
        else:
            self.body, self.rest = rest, b""


class HTTPCase(TestCase):
    """
    A listener with patience that tests can wait for.
    """

    timeout = 60
    patience = Patience()

    async def listen(self, play: Callable[[Call], Awaitable[None]]) -> None:
        """
        Begin to serve.
        """
        self.scripted = Scripted(play)
        self.rejected: list[tuple[str, str, str]] = []
        self.door = Door80(
            self.scripted,
            resolve,
            KnownUsers(),
            rejected=lambda reason, service, method: self.rejected.append((reason, service, method)),
        )
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        self.service = HTTPService(reactor, endpoint, self.door, self.patience, grace=0.5)  # type: ignore[arg-type]
        port: Any = await self.service.listen()
        self.port: IListeningPort = port
        self.number: int = port.getHost().port
        self.addCleanup(self.service.stopService)

    def connect(self) -> socket.socket:
        """
        A blocking client socket; closed at the end of the test.
        """
        client = socket.create_connection(("127.0.0.1", self.number), 20)
        self.addCleanup(client.close)
        return client

    async def ask(self, *requests: bytes) -> list[Answer]:
        """
        Send requests on one connection that ends after the last, and take the answers apart.
        """
        client = self.connect()

        def talk() -> bytes:
            for request in requests:
                client.sendall(request)
            client.settimeout(20)
            found = b""
            while data := client.recv(1 << 20):
                found += data
            return found

        raw = await deferToThread(talk)
        answers = []
        while raw:
            answers.append(Answer(raw))
            raw = answers[-1].rest
        return answers

    async def one(self, request: bytes) -> Answer:
        """
        The only answer to one request that asks for the connection to be closed.
        """
        (answer,) = await self.ask(request)
        return answer


async def nothing(call: Call) -> None:
    """
    A method that answers nothing.
    """


async def echo(call: Call) -> None:
    """
    A method that sends back what it gets.
    """
    assert call.body is not None
    while data := await call.body.source.read():
        await call.body.stdout.write(data)


class RequestTests(HTTPCase):
    """
    Requests become calls, and outcomes become answers.
    """

    patience = Patience(linger=60.0)

    async def test_info_refs(self) -> None:
        """
        ``GET info/refs`` is a call of ``InfoRefsUploadPack``, by whoever the token belongs to, and is never cached.
        """

        async def play(call: Call) -> None:
            request: Any = await call.exchange.receive()
            await call.exchange.send(InfoRefsResponse(data=request.git_protocol.encode()))
            await call.exchange.send(InfoRefsResponse(data=b"|" + request.repository.relative_path.encode()))

        await self.listen(play)
        authorization = b"Authorization: Basic " + base64.b64encode(b"deploy:secret") + b"\r\n"
        extra = b"Git-Protocol: version=2\r\nUser-Agent: git/2\r\nX-Gitlab-Correlation-Id: abc\r\nConnection: close\r\n\r\n"
        answer = await self.one(GET + authorization + extra)
        self.assertEqual((answer.status, answer.body), (200, b"version=2|team/thing.git"))
        self.assertEqual(answer.headers[b"content-type"], b"application/x-git-upload-pack-advertisement")
        for name, value in smarthttp.NO_CACHE:
            self.assertEqual(answer.headers[name.lower()], value)
        (call,) = self.scripted.calls
        self.assertEqual((call.method.name, call.door, call.identity.user), ("InfoRefsUploadPack", Door.HTTP, "deploy"))
        self.assertEqual(call.metadatum("x-gitlab-correlation-id"), "abc")
        self.assertEqual(call.metadatum("user-agent"), "git/2")

    async def test_bundle(self) -> None:
        """
        A bundle is asked for by a call of ``PostUploadPack`` that names it.
        """

        async def play(call: Call) -> None:
            assert call.body is not None
            await call.body.stdout.write(b"# v2 git bundle\n")

        await self.listen(play)
        name = b"0a" * 16
        answer = await self.one(b"GET /team/thing.git/bundles/%s.bundle HTTP/1.1\r\nConnection: close\r\n\r\n" % name)
        self.assertEqual((answer.status, answer.body), (200, b"# v2 git bundle\n"))
        self.assertEqual(answer.headers[b"content-type"], b"application/x-git-bundle")
        (call,) = self.scripted.calls
        self.assertEqual((call.method.name, call.bundle, call.door), ("PostUploadPack", name.decode(), Door.HTTP))
        request: Any = await call.exchange.receive()
        self.assertEqual(request.repository.relative_path, "team/thing.git")

    async def test_receive_pack(self) -> None:
        """
        ``POST git-receive-pack`` is a call of ``PostReceivePack`` with the body as its source; chunked or not.
        """
        await self.listen(echo)
        plain = await self.one(POST + b"Connection: close\r\nContent-Length: 4\r\n\r\n0000")
        chunked = await self.one(POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n")
        self.assertEqual((plain.status, plain.body, chunked.body), (200, b"0000", b"abcd"))
        self.assertEqual(plain.headers[b"content-type"], b"application/x-git-receive-pack-result")
        self.assertEqual(self.scripted.calls[0].method.name, "PostReceivePack")

    async def test_gzip(self) -> None:
        """
        A gzip'd body is inflated; one that cannot be is refused, as is one that grows without bounds.
        """
        await self.listen(echo)

        async def post(body: bytes, encoding: bytes = b"gzip") -> Answer:
            head = POST + b"Connection: close\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body))
            return await self.one(head + body)

        self.assertEqual((await post(gzip.compress(b"hello"))).body, b"hello")
        self.assertEqual((await post(b"not gzip at all")).status, 400)
        self.assertEqual((await post(b"x", b"br")).status, 415)
        self.scripted.play = swallow
        bomb = gzip.compress(b"0" * (INFLATED_LIMIT + 1))
        self.assertEqual((await post(bomb)).status, 413)

    async def test_errors(self) -> None:
        """
        Each code has its status; a 401 says how to log in.
        """
        await self.listen(nothing)
        for code, status in (
            (Code.UNAUTHENTICATED, 401),
            (Code.PERMISSION_DENIED, 403),
            (Code.NOT_FOUND, 404),
            (Code.INVALID_ARGUMENT, 400),
            (Code.RESOURCE_EXHAUSTED, 429),
            (Code.UNAVAILABLE, 503),
            (Code.INTERNAL, 500),
            (Code.DATA_LOSS, 500),
        ):
            self.scripted.play = refuse(GitalyError("words for the user", code))
            answer = await self.one(GET + b"Connection: close\r\n\r\n")
            self.assertEqual(answer.status, status)
            self.assertEqual(answer.headers.get(b"www-authenticate") is not None, status == 401)
            self.assertEqual(b"words for the user" in answer.body, status != 401)

    async def test_wrong_credentials(self) -> None:
        """
        Wrong credentials get a 401, and no call is made.
        """
        await self.listen(nothing)
        for value in (b"Basic " + base64.b64encode(b"deploy:wrong"), b"Bearer nobody", b"Basic %%%", b"Digest a"):
            answer = await self.one(GET + b"Authorization: " + value + b"\r\nConnection: close\r\n\r\n")
            self.assertEqual(answer.status, 401, value)
            self.assertEqual(self.rejected.pop(), ("unauthenticated", "gitaly.SmartHTTPService", "InfoRefsUploadPack"))
        self.assertEqual(self.scripted.calls, [])

    async def test_refused_routes(self) -> None:
        """
        What is no request of git's gets the status that git-http-backend gives it (faults 138-142).
        """
        await self.listen(nothing)
        for line, status in (
            (b"GET /r.git/info/refs?service=git-evil", 403),
            (b"GET /r.git/info/refs?service=git-upload-pack;id", 403),
            (b"GET /r.git/info/refs", 403),
            (b"GET /..%2f../info/refs?service=git-upload-pack", 404),
            (b"GET /a%00b/info/refs?service=git-upload-pack", 400),
            (b"GET /r.git/config", 404),
            (b"GET /r.git/HEAD", 403),
            (b"GET /r.git/git-upload-pack", 405),
            (b"POST /r.git/info/refs?service=git-upload-pack", 405),
            (b"TRACE /r.git/info/refs?service=git-upload-pack", 405),
            (b"POST /r.git/git-upload-pack", 415),
            (b"GET /", 404),
        ):
            answer = await self.one(line + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.assertEqual(answer.status, status, line)
        self.assertEqual(self.scripted.calls, [])

    async def test_keep_alive_and_pipelining(self) -> None:
        """
        Requests on one connection are answered in their order, however slow the first one is.
        """

        async def play(call: Call) -> None:
            request: Any = await call.exchange.receive()
            if request.repository.relative_path == "slow.git":
                await deferLater(reactor, 0.05)
            await call.exchange.send(InfoRefsResponse(data=request.repository.relative_path.encode()))

        await self.listen(play)
        lines = [b"GET /%s/info/refs?service=git-upload-pack HTTP/1.1\r\n" % p for p in (b"slow.git", b"a.git", b"b.git")]
        answers = await self.ask(*[line + b"\r\n" for line in lines[:2]], lines[2] + b"Connection: close\r\n\r\n")
        self.assertEqual([answer.body for answer in answers], [b"slow.git", b"a.git", b"b.git"])

    async def test_http_1_0(self) -> None:
        """
        A client that knows no chunks gets the bytes up to the end of the connection.
        """

        async def play(call: Call) -> None:
            await call.exchange.send(InfoRefsResponse(data=b"refs"))

        await self.listen(play)
        answer = await self.one(GET.replace(b"1.1", b"1.0") + b"\r\n")
        self.assertEqual((answer.status, answer.body), (200, b"refs"))
        self.assertNotIn(b"transfer-encoding", answer.headers)

    async def test_head(self) -> None:
        """
        ``HEAD`` has the headers of ``GET`` and no body.
        """

        async def play(call: Call) -> None:
            await call.exchange.send(InfoRefsResponse(data=b"refs"))

        await self.listen(play)
        answer = await self.one(GET.replace(b"GET", b"HEAD") + b"Connection: close\r\n\r\n")
        self.assertEqual((answer.status, answer.body), (200, b""))

    async def test_failure_after_the_first_byte(self) -> None:
        """
        What fails after the answer has begun ends the connection, so that nobody takes a part for the whole; but what was written
        comes, however much it is, and whether the request was read to its end or not: it may say why.
        """
        said = b"x" * (8 << 20) + b"why"

        async def play(call: Call) -> None:
            assert call.body is not None
            writing: Any = call.body.stdout.write(said)
            writing.addErrback(lambda failure: failure.trap(StreamBroken))  # The client reads slowly.
            raise GitalyError("too late")

        await self.listen(play)
        for length, body in ((0, b""), (4, b"abcd"), (100_000, b"abcd")):
            request = POST + b"Content-Length: %d\r\n\r\n" % length + body
            (answer,) = await self.ask(request)
            self.assertEqual((answer.status, answer.body == said, answer.complete), (200, True, False))

    async def test_failure_without_chunks(self) -> None:
        """
        A client that takes the end for the end has its connection cut.
        """

        async def play(call: Call) -> None:
            await call.exchange.send(InfoRefsResponse(data=b"refs"))
            raise GitalyError("too late")

        await self.listen(play)
        with self.assertRaises(ConnectionResetError):
            await self.ask(GET.replace(b"1.1", b"1.0") + b"\r\n")


async def swallow(call: Call) -> None:
    """
    A method that reads everything.
    """
    assert call.body is not None
    while await call.body.source.read():
        pass


class BodyFirstTests(HTTPCase):
    """
    Nothing of a body is taken before it is clear that somebody wants it.
    """

    async def test_expect_continue(self) -> None:
        """
        ``100 Continue`` is sent when the body is wanted, and not before a refusal.
        """
        await self.listen(echo)
        client = self.connect()
        client.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n")
        first = await deferToThread(client.recv, 1000)
        self.assertEqual(first, b"HTTP/1.1 100 Continue\r\n\r\n")
        client.sendall(b"abcd")

        def rest() -> bytes:
            found = b""
            while data := client.recv(65536):
                found += data
            return found

        self.assertEqual(Answer(await deferToThread(rest)).body, b"abcd")
        self.scripted.play = refuse(GitalyError("no", Code.UNAUTHENTICATED))
        client = self.connect()
        client.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 400000000\r\n\r\n")
        self.assertTrue((await deferToThread(client.recv, 1000)).startswith(b"HTTP/1.1 401 "))

    async def test_refusal_of_a_large_body(self) -> None:
        """
        A refused push gets its answer while most of its body is still to come (fault 147); the rest is thrown away.
        """
        await self.listen(refuse(GitalyError("no", Code.UNAUTHENTICATED)))
        client = self.connect()

        def push() -> bytes:
            client.sendall(POST + b"Content-Length: 300000000\r\n\r\n" + b"x" * 1000000)
            return client.recv(1000)

        answer = Answer(await deferToThread(push))
        self.assertEqual((answer.status, answer.headers[b"connection"]), (401, b"close"))

    async def test_client_goes_away(self) -> None:
        """
        When the client goes away in mid-body, the call is cancelled and its reading fails.
        """
        ended: Deferred[str] = Deferred()

        async def play(call: Call) -> None:
            assert call.body is not None
            try:
                while await call.body.source.read():
                    pass
            except (StreamBroken, CancelledError) as error:
                ended.callback(type(error).__name__)
                raise

        await self.listen(play)
        client = self.connect()
        client.sendall(POST + b"Content-Length: 100\r\n\r\nsome")
        while not self.scripted.calls:
            await deferLater(reactor, 0)
        client.close()
        self.assertIn(await ended, ("StreamBroken", "CancelledError"))


class PatienceTests(HTTPCase):
    """
    Slow clients are borne with, up to a point.
    """

    patience = Patience(headers=0.2, idle=0.2, body=0.4, stream=0.8, answer=0.4, linger=0.2, rate=64)

    async def read_all(self, client: socket.socket) -> bytes:
        """
        Everything until the server ends the connection.
        """

        def read() -> bytes:
            found = b""
            try:
                while data := client.recv(65536):
                    found += data
            except ConnectionResetError:
                pass
            return found

        return bytes(await deferToThread(read))

    async def test_headers(self) -> None:
        """
        Headers that never end are answered with 408 (fault 146).
        """
        await self.listen(nothing)
        client = self.connect()
        client.sendall(b"GET / HTTP/1.1\r\nHost")
        self.assertTrue((await self.read_all(client)).startswith(b"HTTP/1.1 408 "))

    async def test_idle(self) -> None:
        """
        A connection on which nothing happens is ended.
        """
        await self.listen(nothing)
        self.assertEqual(await self.read_all(self.connect()), b"")

    async def test_body_that_stops(self) -> None:
        """
        A body that is shorter than announced ends the connection (fault 145), chunked ones after a longer silence.
        """
        await self.listen(swallow)
        for head in (b"Content-Length: 100\r\n\r\nsome", b"Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n"):
            client = self.connect()
            client.sendall(POST + head)
            self.assertEqual(await self.read_all(client), b"")

    async def test_answer_not_taken(self) -> None:
        """
        A client that does not read its answer is cut off.
        """
        ended: Deferred[str] = Deferred()

        async def play(call: Call) -> None:
            assert call.body is not None
            try:
                while True:
                    await call.body.stdout.write(b"x" * 262144)
            except (StreamBroken, CancelledError) as error:
                ended.callback(type(error).__name__)
                raise

        await self.listen(play)
        client = self.connect()
        client.sendall(POST + b"Content-Length: 0\r\n\r\n")
        self.assertIn(await ended, ("StreamBroken", "CancelledError"))

    async def test_end_not_taken(self) -> None:
        """
        Nor is one waited for that does not read what is left of an answer when the call is over.
        """

        async def play(call: Call) -> None:
            assert call.body is not None
            writing: Any = call.body.stdout.write(b"x" * (32 << 20))
            writing.addErrback(lambda failure: failure.trap(StreamBroken))
            raise GitalyError("too late")

        await self.listen(play)
        client = self.connect()
        client.sendall(POST + b"Content-Length: 0\r\n\r\n")
        connections = self.service._factory.connections
        while not self.scripted.calls or connections:
            await deferLater(reactor, 0.01)
        self.assertLess(len(await self.read_all(client)), 32 << 20)


class MalformedTests(HTTPCase):
    """
    What is no HTTP gets a status and the end of the connection (fault 144).
    """

    async def test_malformed(self) -> None:
        """
        Contradicting lengths, broken headers and too much of everything are refused, and no call is made.
        """
        await self.listen(nothing)
        for request, status in (
            (POST + b"Content-Length: -1\r\n\r\n", 400),
            (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400),
            (POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx", 400),
            (POST + b"X : y\r\n\r\n", 400),
            (b"GET / HTTP/9.9.9\r\n\r\n", 400),
            (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n", 414),
            (GET + b"X: " + b"y" * 20000 + b"\r\n\r\n", 431),
            (GET + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(20)) + b"\r\n", 431),
            (GET + b"".join(b"X-%d: y\r\n" % n for n in range(600)) + b"\r\n", 400),
        ):
            answers = await self.ask(request)
            self.assertEqual([answer.status for answer in answers], [status], request[:100])
        self.assertEqual(self.scripted.calls, [])

    async def test_headers_that_lie(self) -> None:
        """
        ``Proxy``, ``X-Forwarded-For`` and an odd ``Git-Protocol`` change nothing (fault 150).
        """

        async def play(call: Call) -> None:
            request: Any = await call.exchange.receive()
            await call.exchange.send(InfoRefsResponse(data=request.git_protocol.encode() + call.peer.encode()))

        await self.listen(play)
        lies = b"Proxy: x\r\nX-Forwarded-For: 1.2.3.4\r\nGit-Protocol: version=2:LD_PRELOAD=/x\r\nConnection: close\r\n\r\n"
        answer = await self.one(GET + lies)
        self.assertTrue(answer.body.startswith(b"version=2127.0.0.1:"), answer.body)


class SpliceTests(HTTPCase):
    """
    Bytes go from a pipe into the socket.
    """

    async def through(self, data: bytes, extra: Callable[[Call], Awaitable[None]] | None = None) -> Answer:
        """
        The answer that consists of what goes through a pipe.
        """
        result: list[int] = []

        async def play(call: Call) -> None:
            assert call.body is not None
            sink = call.body.stdout
            self.assertTrue(ISpliceSink.providedBy(sink))
            reading, writing = os.pipe()
            os.set_blocking(reading, False)

            def fill() -> None:
                with open(writing, "wb", 0) as pipe:
                    view = memoryview(data)
                    while view:
                        view = view[pipe.write(view[:100000]) or 0 :]

            filling = deferToThread(fill)
            try:
                result.append(await sink.splice(reading))  # type: ignore[attr-defined]
            finally:
                os.close(reading)
            await filling
            if extra is not None:
                await extra(call)

        await self.listen(play)
        answer = await self.one(POST + b"Connection: close\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(result, [len(data)])
        return answer

    async def test_large(self) -> None:
        """
        Megabytes arrive as they were, in well-formed chunks.
        """
        data = os.urandom(1 << 20) * 12
        answer = await self.through(data)
        self.assertTrue(answer.complete)
        self.assertEqual(answer.body, data)

    async def test_small_and_empty(self) -> None:
        """
        One byte and none are fine too.
        """
        self.assertEqual((await self.through(b"x")).body, b"x")

    async def test_nothing(self) -> None:
        """
        A pipe with nothing in it makes an empty answer.
        """
        answer = await self.through(b"")
        self.assertEqual((answer.status, answer.body, answer.complete), (200, b"", True))

    async def test_written_after(self) -> None:
        """
        After splicing, more can be written.
        """

        async def more(call: Call) -> None:
            assert call.body is not None
            await call.body.stdout.write(b"tail")

        self.assertEqual((await self.through(b"x" * 100000, more)).body, b"x" * 100000 + b"tail")

    async def test_client_goes_away(self) -> None:
        """
        When the client goes away, splicing fails and lets go of the pipe.
        """
        ended: Deferred[str] = Deferred()

        async def play(call: Call) -> None:
            assert call.body is not None
            reading, writing = os.pipe()
            os.set_blocking(reading, False)
            os.write(writing, b"some")
            try:
                await call.body.stdout.splice(reading)  # type: ignore[attr-defined]
            except (StreamBroken, CancelledError) as error:
                ended.callback(type(error).__name__)
                raise
            finally:
                os.close(reading)
                os.close(writing)

        await self.listen(play)
        client = self.connect()
        client.sendall(POST + b"Content-Length: 0\r\n\r\n")
        found = b""
        while b"some" not in found:
            found += await deferToThread(client.recv, 1000)
        client.close()
        self.assertIn(await ended, ("StreamBroken", "CancelledError"))
