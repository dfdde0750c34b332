"""
Tests for :mod:`gitaly_tx.frontends.grpc.handlers` and :mod:`gitaly_tx.frontends.grpc.exchange`, over a real channel.
"""

from __future__ import annotations

import grpc
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyClass

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.frontends.grpc.exchange import LARGEST, StreamExchange, UnaryExchange, UploadExchange
from gitaly_tx.rpc.interfaces import IExchange
from gitaly_tx.streams import StreamBroken
from protocols.gitaly import errors_pb2, repository_pb2, smarthttp_pb2
from protocols.gitaly.shared_pb2 import Repository
from protocols.gitaly.ssh_pb2 import SSHReceivePackRequest, SSHReceivePackResponse
from tests.support.calls import Service
from tests.support.grpcclient import GRPCCase, deferred, status_of

EXISTS = "RepositoryService/RepositoryExists"
BUNDLE = "RepositoryService/CreateRepositoryFromBundle"
INFO_REFS = "SmartHTTPService/InfoRefsUploadPack"
SSH = "SSHService/SSHReceivePack"
REQUEST = repository_pb2.RepositoryExistsRequest(repository=Repository(relative_path="team/thing.git"))


def half(stdin: bytes) -> SSHReceivePackRequest:
    return SSHReceivePackRequest(stdin=stdin)


class UnaryTests(GRPCCase):
    """
    Unary calls.
    """

    async def test_reply(self):
        """
        The method gets the request and the client its reply; bytes are counted.
        """
        seen = []

        async def exists(call, request):
            seen.append((call, request))
            return repository_pb2.RepositoryExistsResponse(exists=True)

        channel = await self.serve(Service("RepositoryService", RepositoryExists=exists))
        reply, _ = await channel.unary(EXISTS, REQUEST)
        self.assertTrue(reply.exists)
        call, request = seen[0]
        self.assertEqual(request, REQUEST)
        self.assertEqual((call.received, call.sent), (REQUEST.ByteSize(), reply.ByteSize()))

    async def test_metadata(self):
        """
        Metadata, peer and deadline are the call's; the correlation id comes back.
        """
        seen = []

        async def exists(call, request):
            seen.append(call)
            call.correlation_id = "abc"
            return repository_pb2.RepositoryExistsResponse()

        channel = await self.serve(Service("RepositoryService", RepositoryExists=exists))
        metadata = (("user_id", "7"), ("twice", "1"), ("twice", "2"), ("x-bin", b"\xff\x00"))
        _, client = await channel.unary(EXISTS, REQUEST, metadata=metadata, timeout=20)
        call = seen[0]
        self.assertEqual([call.metadata[key] for key in ("user_id", "twice", "x-bin")], [("7",), ("1", "2"), (b"\xff\x00",)])
        self.assertRegex(call.peer, r"\A127\.0\.0\.1:[0-9]+\Z")
        self.assertTrue(15 < call.deadline - self.reactor().seconds() < 21)
        trailing = await deferred(client.trailing_metadata())
        self.assertIn(("x-gitlab-correlation-id", "abc"), tuple(trailing))

    async def test_no_deadline(self):
        """
        A call without a deadline has none.
        """
        seen = []

        async def exists(call, request):
            seen.append(call.deadline)
            return repository_pb2.RepositoryExistsResponse()

        channel = await self.serve(Service("RepositoryService", RepositoryExists=exists))
        await channel.unary(EXISTS, REQUEST)
        self.assertEqual(seen, [None])

    async def test_error(self):
        """
        A GitalyError is the status; its details travel in ``grpc-status-details-bin`` as a ``google.rpc.Status``.
        """
        detail = errors_pb2.ReferencesLockedError(refs=[b"refs/heads/main"])

        async def exists(call, request):
            raise GitalyError("reference is locked — already", Code.ABORTED, {"path": "/srv"}, (detail,))

        channel = await self.serve(Service("RepositoryService", RepositoryExists=exists))
        error = await channel.error(EXISTS, REQUEST)
        self.assertEqual(status_of(error), ("ABORTED", "reference is locked — already"))
        trailing = dict(error.trailing_metadata())
        self.assertIn(detail.SerializeToString(), trailing["grpc-status-details-bin"])
        self.assertNotIn(b"/srv", trailing["grpc-status-details-bin"])
        self.assertIn("x-gitlab-correlation-id", trailing)

    async def test_waiting(self):
        """
        A method may wait for the reactor; others are served meanwhile.
        """
        gate: Deferred[None] = Deferred()

        async def exists(call, request):
            if request.repository.relative_path:
                await gate
            return repository_pb2.RepositoryExistsResponse(exists=True)

        channel = await self.serve(Service("RepositoryService", RepositoryExists=exists))
        waiting = await channel.begin(EXISTS, REQUEST)
        await channel.unary(EXISTS, repository_pb2.RepositoryExistsRequest())
        gate.callback(None)

        async def reply():
            return await waiting

        self.assertTrue((await deferred(reply())).exists)

    async def test_junk(self):
        """
        A request that is no such message is refused in grpc-go's words, and the method does not see it (fault 163).
        """
        called = []

        async def exists(call, request):
            called.append(request)

        channel = await self.serve(Service("RepositoryService", RepositoryExists=exists))
        error = await channel.error(EXISTS, b"\x0a\xff\xff\xff\xff\x0fjunk")
        self.assertEqual(error.code(), grpc.StatusCode.INTERNAL)
        self.assertRegex(error.details(), r"\Agrpc: error unmarshalling request: ")
        self.assertEqual(called, [])

    async def test_too_large(self):
        """
        A request of more than 4 MiB is refused in grpc-go's words (fault 161); one of exactly 4 MiB is not.
        """

        async def exists(call, request):
            return repository_pb2.RepositoryExistsResponse(exists=True)

        channel = await self.serve(Service("RepositoryService", RepositoryExists=exists))

        def padded(size):
            """
            A message of ``size`` bytes, in an unknown field (number 1000, length-delimited).
            """
            return (
                b"\xc2\x3e"
                + b"%c%c%c%c" % tuple(((size - 6) >> 7 * i & 0x7F) | (0x80 if i < 3 else 0) for i in range(4))
                + (b"x" * (size - 6))
            )

        reply, _ = await channel.unary(EXISTS, padded(LARGEST))
        self.assertTrue(reply.exists)
        error = await channel.error(EXISTS, padded(5242899))
        self.assertEqual(
            status_of(error),
            ("RESOURCE_EXHAUSTED", "grpc: received message larger than max (5242899 vs. 4194304)"),
        )

    async def test_far_too_large(self):
        """
        What is larger still is refused by grpcio, without being read into memory.
        """
        channel = await self.serve(Service("RepositoryService", RepositoryExists=lambda call, request: self.fail()))
        error = await channel.error(EXISTS, bytes(9 << 20))
        self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)

    async def test_unknown(self):
        """
        Unknown methods and services get grpc-go's texts, for every stream kind (fault 162).
        """
        channel = await self.serve()
        for path, text in (
            ("/gitaly.RepositoryService/NoSuch", "unknown method NoSuch for service gitaly.RepositoryService"),
            ("/evil.Svc/Do", "unknown service evil.Svc"),
            ("/nothing", 'malformed method name: "/nothing"'),
        ):
            error = await channel.error(path, REQUEST, known=False)
            self.assertEqual(status_of(error), ("UNIMPLEMENTED", text))

    async def test_not_built(self):
        """
        A method that nobody built says so, whatever its kind.
        """
        channel = await self.serve()
        error = await channel.error("RefService/RefExists", b"")
        self.assertEqual(status_of(error), ("UNIMPLEMENTED", "method RefExists not implemented"))
        stream = await channel.begin(SSH)
        error = await self.assertFailure(deferred(stream.read()), grpc.aio.AioRpcError)
        self.assertEqual(status_of(error), ("UNIMPLEMENTED", "method SSHReceivePack not implemented"))


class StreamTests(GRPCCase):
    """
    Streams.
    """

    async def test_server_stream(self):
        """
        All replies of a generator arrive, in order, with the correlation id in front.
        """

        async def info_refs(call, request):
            call.correlation_id = "abc"
            for number in range(20):
                yield smarthttp_pb2.InfoRefsResponse(data=b"%d" % number)

        channel = await self.serve(Service("SmartHTTPService", InfoRefsUploadPack=info_refs))
        call = await channel.begin(INFO_REFS, smarthttp_pb2.InfoRefsRequest())

        async def read():
            return [reply.data async for reply in call], await call.initial_metadata(), await call.trailing_metadata()

        data, initial, trailing = await deferred(read())
        self.assertEqual(data, [b"%d" % number for number in range(20)])
        self.assertIn(("x-gitlab-correlation-id", "abc"), tuple(initial))
        self.assertIn(("x-gitlab-correlation-id", "abc"), tuple(trailing))

    async def test_one_reply(self):
        """
        A stream of one reply arrives, with the correlation id after it.
        """

        async def info_refs(call, request):
            call.correlation_id = "abc"
            yield smarthttp_pb2.InfoRefsResponse(data=b"x")

        channel = await self.serve(Service("SmartHTTPService", InfoRefsUploadPack=info_refs))
        call = await channel.begin(INFO_REFS, smarthttp_pb2.InfoRefsRequest())

        async def read():
            return [reply.data async for reply in call], await call.trailing_metadata()

        data, trailing = await deferred(read())
        self.assertEqual(data, [b"x"])
        self.assertIn(("x-gitlab-correlation-id", "abc"), tuple(trailing))

    async def test_first_reply_of_a_method_that_goes_on(self):
        """
        The first reply arrives, with the correlation id in front, while the method waits for something else, and is not lost when
        the method then ends without another.
        """
        go_on: Deferred[None] = Deferred()

        async def info_refs(call, request):
            call.correlation_id = "abc"
            yield smarthttp_pb2.InfoRefsResponse(data=b"x")
            await go_on

        channel = await self.serve(Service("SmartHTTPService", InfoRefsUploadPack=info_refs))
        call = await channel.begin(INFO_REFS, smarthttp_pb2.InfoRefsRequest())
        self.assertEqual((await deferred(call.read())).data, b"x")
        self.assertIn(("x-gitlab-correlation-id", "abc"), tuple(await deferred(call.initial_metadata())))
        go_on.callback(None)
        self.assertIs(await deferred(call.read()), grpc.aio.EOF)
        self.assertIs(await deferred(call.code()), grpc.StatusCode.OK)

    async def test_error_after_replies(self):
        """
        An error after some replies is the status; the replies arrive.
        """

        async def info_refs(call, request):
            yield smarthttp_pb2.InfoRefsResponse(data=b"x")
            raise GitalyError("wait: exit status 128", Code.INTERNAL)

        channel = await self.serve(Service("SmartHTTPService", InfoRefsUploadPack=info_refs))
        call = await channel.begin(INFO_REFS, smarthttp_pb2.InfoRefsRequest())
        self.assertEqual((await deferred(call.read())).data, b"x")
        error = await self.assertFailure(deferred(call.read()), grpc.aio.AioRpcError)
        self.assertEqual(status_of(error), ("INTERNAL", "wait: exit status 128"))

    async def test_client_stream(self):
        """
        All requests arrive up to the half-close, then the one reply.
        """
        seen = []

        async def create(call, requests):
            async for request in requests:
                seen.append(request.data)
            return repository_pb2.CreateRepositoryFromBundleResponse()

        channel = await self.serve(Service("RepositoryService", CreateRepositoryFromBundle=create))
        call = await channel.begin(BUNDLE)

        async def run():
            for number in range(20):
                await call.write(repository_pb2.CreateRepositoryFromBundleRequest(data=b"%d" % number))
            await call.done_writing()
            return await call

        await deferred(run())
        self.assertEqual(seen, [b"%d" % number for number in range(20)])

    async def test_error_after_the_only_reply(self):
        """
        A method that fails after its one reply has failed.
        """

        async def create(call, requests):
            async for _ in requests:
                pass
            await call.exchange.send(repository_pb2.CreateRepositoryFromBundleResponse())
            raise GitalyError("too late", Code.ABORTED)

        channel = await self.serve(Service("RepositoryService", CreateRepositoryFromBundle=create))
        call = await channel.begin(BUNDLE)

        async def run():
            await call.done_writing()
            return await call

        error = await self.assertFailure(deferred(run()), grpc.aio.AioRpcError)
        self.assertEqual(status_of(error), ("ABORTED", "too late"))

    async def test_both_streams(self):
        """
        Requests and replies may alternate.
        """

        async def echo(call, requests):
            async for request in requests:
                yield SSHReceivePackResponse(stdout=request.stdin.upper())

        channel = await self.serve(Service("SSHService", SSHReceivePack=echo))
        call = await channel.begin(SSH)

        async def run():
            answers = []
            for word in (b"one", b"two"):
                await call.write(half(word))
                answers.append((await call.read()).stdout)
            await call.done_writing()
            return answers, await call.read()

        self.assertEqual(await deferred(run()), ([b"ONE", b"TWO"], grpc.aio.EOF))

    async def test_junk_in_a_stream(self):
        """
        A message in a stream that is none ends the call.
        """

        async def echo(call, requests):
            async for request in requests:
                yield SSHReceivePackResponse(stdout=request.stdin)

        channel = await self.serve(Service("SSHService", SSHReceivePack=echo))
        call = await channel.begin(SSH)

        async def run():
            await call.write(half(b"x"))
            await call.read()
            await call.write(b"\x0a\xff\xff\xff\xff\x0fjunk")
            await call.read()

        error = await self.assertFailure(deferred(run()), grpc.aio.AioRpcError)
        self.assertEqual(error.code(), grpc.StatusCode.INTERNAL)
        self.assertRegex(error.details(), r"\Agrpc: error unmarshalling request: ")

    async def test_back_pressure_out(self):
        """
        A client that does not read stops the method after a bounded number of bytes (fault C8).
        """
        sent = [0]

        async def flood(call, request):
            while True:
                yield smarthttp_pb2.InfoRefsResponse(data=bytes(128 * 1024))
                sent[0] += 128 * 1024

        channel = await self.serve(Service("SmartHTTPService", InfoRefsUploadPack=flood))
        call = await channel.begin(INFO_REFS, smarthttp_pb2.InfoRefsRequest())
        await deferred(call.read())
        before = -1
        while sent[0] != before:
            before = sent[0]
            await self.pause(0.1)
        self.assertLess(sent[0], 32 << 20)
        call.cancel()

    async def test_back_pressure_in(self):
        """
        A method that does not receive stops the client after a bounded number of bytes.
        """
        gate: Deferred[None] = Deferred()
        written = [0]

        async def lazy(call, requests):
            await gate

        channel = await self.serve(Service("SSHService", SSHReceivePack=lazy))
        call = await channel.begin(SSH)

        async def flood():
            try:
                while True:
                    await call.write(half(bytes(128 * 1024)))
                    written[0] += 1
            except (grpc.aio.AioRpcError, grpc.aio.UsageError):
                return

        flooding = deferred(flood())
        before = -1
        while written[0] != before:
            before = written[0]
            await self.pause(0.1)
        self.assertLess(written[0], 256)
        gate.callback(None)
        await flooding

    async def test_cancelled_receive(self):
        """
        Somebody who stops waiting for a request does not lose it.
        """
        ready: Deferred[None] = Deferred()

        async def impatient(call, requests):
            first = Deferred.fromCoroutine(call.exchange.receive())
            first.addErrback(lambda failure: None)
            first.cancel()
            await first
            ready.callback(None)
            request = await call.exchange.receive()
            yield SSHReceivePackResponse(stdout=request.stdin)

        channel = await self.serve(Service("SSHService", SSHReceivePack=impatient))
        call = await channel.begin(SSH)

        async def write():
            await call.write(half(b"kept"))
            return (await call.read()).stdout

        reading = deferred(write())
        await ready
        self.assertEqual(await reading, b"kept")

    async def test_cancelled_send(self):
        """
        Somebody who stops waiting for a send has sent it, and in order.
        """

        async def hasty(call, requests):
            for number in range(3):
                sending = call.exchange.send(SSHReceivePackResponse(stdout=b"%d" % number))
                sending.addErrback(lambda failure: None)
                sending.cancel()
            await call.exchange.send(SSHReceivePackResponse(stdout=b"last"))

        channel = await self.serve(Service("SSHService", SSHReceivePack=hasty))
        call = await channel.begin(SSH)

        async def read():
            return [reply.stdout async for reply in call]

        self.assertEqual(await deferred(read()), [b"0", b"1", b"2", b"last"])

    def test_provides(self):
        """
        All exchanges keep the interface.
        """
        for each in (UnaryExchange, StreamExchange, UploadExchange):
            verifyClass(IExchange, each)

    def pause(self, seconds):
        """
        Let the reactor work.
        """
        waiting: Deferred[None] = Deferred()
        self.reactor().callLater(seconds, waiting.callback, None)
        return waiting


class EndingTests(GRPCCase):
    """
    Clients that go away, deadlines that pass (fault C7).
    """

    def waiting_method(self):
        """
        A method that waits, and Deferreds that fire when it does and when it has ended.
        """
        self.waits: Deferred[None] = Deferred()
        self.ended: Deferred[str] = Deferred()

        async def wait(call, request):
            self.call = call
            self.waits.callback(None)
            try:
                await Deferred()
            except BaseException as error:
                self.ended.callback(type(error).__name__)
                raise

        return wait

    async def test_cancel(self):
        """
        A client that cancels cancels what the method waits for.
        """
        channel = await self.serve(Service("RepositoryService", RepositoryExists=self.waiting_method()))
        call = await channel.begin(EXISTS, REQUEST)
        await self.waits
        call.cancel()
        self.assertEqual(await self.ended, "CancelledError")
        self.assertTrue(self.call.cancelled)

    async def test_cancel_stream(self):
        """
        So it is for a stream.
        """
        channel = await self.serve(Service("SSHService", SSHReceivePack=self.waiting_method()))
        call = await channel.begin(SSH)
        await self.waits
        call.cancel()
        self.assertEqual(await self.ended, "CancelledError")

    async def test_deadline(self):
        """
        A deadline that passes cancels what the method waits for.
        """
        channel = await self.serve(Service("RepositoryService", RepositoryExists=self.waiting_method()))
        error = await channel.error(EXISTS, REQUEST, timeout=0.1)
        self.assertEqual(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertEqual(await self.ended, "CancelledError")

    async def test_death_is_no_half_close(self):
        """
        A client that dies in the middle of its requests is never taken for one that has sent all.
        """
        begun: list[Deferred[None]] = [Deferred() for _ in range(20)]
        ended: list[Deferred[str]] = [Deferred() for _ in range(20)]

        async def create(call, requests):
            number = int((await call.exchange.receive()).data)
            begun[number].callback(None)
            try:
                async for _ in requests:
                    pass
            except BaseException:
                ended[number].callback("broken")
                raise
            ended[number].callback("complete")
            return repository_pb2.CreateRepositoryFromBundleResponse()

        channel = await self.serve(Service("RepositoryService", CreateRepositoryFromBundle=create))
        for number in range(20):
            call = await channel.begin(BUNDLE)
            await deferred(call.write(repository_pb2.CreateRepositoryFromBundleRequest(data=b"%d" % number)))
            await begun[number]
            call.cancel()
            self.assertEqual(await ended[number], "broken")

    async def test_send_to_nobody(self):
        """
        Sending to a client that has gone fails with StreamBroken, or is cancelled; it does not go on.
        """
        ended: Deferred[BaseException] = Deferred()

        async def flood(call, request):
            try:
                while True:
                    await call.exchange.send(smarthttp_pb2.InfoRefsResponse(data=bytes(100_000)))
            except BaseException as error:
                if not ended.called:
                    ended.callback(error)
                raise

        channel = await self.serve(Service("SmartHTTPService", InfoRefsUploadPack=flood))
        call = await channel.begin(INFO_REFS, smarthttp_pb2.InfoRefsRequest())
        await deferred(call.read())
        call.cancel()
        self.assertIn(type(await ended).__name__, ("StreamBroken", "CancelledError"))

    async def test_after_the_end(self):
        """
        An exchange whose call has ended receives nothing and sends nothing.
        """
        kept = []

        async def method(call, request):
            kept.append(call.exchange)
            yield smarthttp_pb2.InfoRefsResponse()

        channel = await self.serve(Service("SmartHTTPService", InfoRefsUploadPack=method))
        call = await channel.begin(INFO_REFS, smarthttp_pb2.InfoRefsRequest())

        async def read():
            return [reply async for reply in call]

        await deferred(read())
        self.assertIsNone(await kept[0].receive())
        self.assertRaises(StreamBroken, kept[0].send, smarthttp_pb2.InfoRefsResponse())
