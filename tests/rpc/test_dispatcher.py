"""
Tests for :mod:`gitaly_tx.rpc.dispatcher`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.rpc.dispatcher import Dispatcher, UnknownMethod
from gitaly_tx.rpc.interfaces import IDispatcher
from protocols.gitaly import repository_pb2, smarthttp_pb2
from protocols.gitaly.ssh_pb2 import SSHReceivePackRequest, SSHReceivePackResponse
from tests.support.calls import Service, make_call

EXISTS = "RepositoryService/RepositoryExists"
INFO_REFS = "SmartHTTPService/InfoRefsUploadPack"
BUNDLE = "RepositoryService/CreateRepositoryFromBundle"
SSH = "SSHService/SSHReceivePack"


class DispatcherCase(SynchronousTestCase):
    """
    A dispatcher for one method.
    """

    def setUp(self):
        self.clock = Clock()

    def dispatcher(self, path, method, *middlewares):
        service, name = path.split("/")
        return Dispatcher([Service(service, **{name: method})], middlewares, self.clock)

    def run_call(self, call, method, *middlewares):
        path = call.method.path.removeprefix("/gitaly.")
        return self.dispatcher(path, method, *middlewares).dispatch(call)


class KindTests(DispatcherCase):
    """
    Methods of all stream kinds.
    """

    def test_unary(self):
        """
        A coroutine gets the call and its one request, and its result is the one reply.
        """
        seen = []

        async def exists(call, request):
            seen.append((call, request))
            return repository_pb2.RepositoryExistsResponse(exists=True)

        request = repository_pb2.RepositoryExistsRequest()
        call = make_call(EXISTS, [request])
        self.assertIsNone(self.successResultOf(self.run_call(call, exists)))
        self.assertEqual(seen, [(call, request)])
        self.assertEqual([reply.exists for reply in call.exchange.replies], [True])
        self.assertEqual(call.exchange.received, 1)

    def test_deferred(self):
        """
        A method may return a Deferred.
        """
        call = make_call(EXISTS, [repository_pb2.RepositoryExistsRequest()])
        reply = repository_pb2.RepositoryExistsResponse()
        self.successResultOf(self.run_call(call, lambda call, request: succeed(reply)))
        self.assertEqual(call.exchange.replies, [reply])

    def test_no_request(self):
        """
        A caller that half-closes without a request gets grpc-go's error, and the method is not called.
        """
        call = make_call(EXISTS)
        error = self.failureResultOf(self.run_call(call, lambda call, request: self.fail("called")), GitalyError).value
        self.assertEqual((error.message, error.code), ("unexpected EOF", Code.INTERNAL))

    def test_generator(self):
        """
        A generator's replies are sent one by one, each when the caller took the one before.
        """
        made = []

        async def info_refs(call, request):
            for number in range(3):
                made.append(number)
                yield smarthttp_pb2.InfoRefsResponse(data=b"%d" % number)

        call = make_call(INFO_REFS, [smarthttp_pb2.InfoRefsRequest()])
        call.exchange.slow = True
        done = self.run_call(call, info_refs)
        self.assertEqual(made, [0])
        call.exchange.take()
        self.assertEqual(made, [0, 1])
        call.exchange.take()
        call.exchange.take()
        self.successResultOf(done)
        self.assertEqual([reply.data for reply in call.exchange.replies], [b"0", b"1", b"2"])

    def test_generator_is_closed(self):
        """
        A generator that nobody reads any more is closed, and its clean-up is waited for.
        """
        cleaned: Deferred[None] = Deferred()
        closed = []

        async def info_refs(call, request):
            try:
                while True:
                    yield smarthttp_pb2.InfoRefsResponse(data=b"x")
            finally:
                await cleaned
                closed.append(True)

        call = make_call(INFO_REFS, [smarthttp_pb2.InfoRefsRequest()])
        call.exchange.slow = True
        done = self.run_call(call, info_refs)
        done.cancel()
        self.assertNoResult(done)
        cleaned.callback(None)
        self.assertEqual(self.failureResultOf(done, GitalyError).value.code, Code.CANCELLED)
        self.assertEqual(closed, [True])

    def test_returned_generator(self):
        """
        A plain function may return a generator that another one made.
        """

        async def made():
            yield smarthttp_pb2.InfoRefsResponse(data=b"x")

        call = make_call(INFO_REFS, [smarthttp_pb2.InfoRefsRequest()])
        self.successResultOf(self.run_call(call, lambda call, request: made()))
        self.assertEqual(len(call.exchange.replies), 1)

    def test_client_stream(self):
        """
        A stream of requests is an async iterator up to the half-close.
        """
        seen = []

        async def create(call, requests):
            async for request in requests:
                seen.append(request.data)
            return repository_pb2.CreateRepositoryFromBundleResponse()

        requests = [repository_pb2.CreateRepositoryFromBundleRequest(data=data) for data in (b"1", b"2")]
        call = make_call(BUNDLE, requests)
        self.successResultOf(self.run_call(call, create))
        self.assertEqual(seen, [b"1", b"2"])
        self.assertEqual(len(call.exchange.replies), 1)

    def test_both_streams(self):
        """
        A generator may yield between requests.
        """

        async def echo(call, requests):
            async for request in requests:
                yield SSHReceivePackResponse(stdout=request.stdin)

        call = make_call(SSH, [SSHReceivePackRequest(stdin=data) for data in (b"1", b"2")])
        self.successResultOf(self.run_call(call, echo))
        self.assertEqual([reply.stdout for reply in call.exchange.replies], [b"1", b"2"])

    def test_sends_by_itself(self):
        """
        A coroutine on a stream of replies may send by itself and return nothing.
        """

        async def receive_pack(call, requests):
            await call.exchange.send(SSHReceivePackResponse(stdout=b"x"))

        call = make_call(SSH)
        self.successResultOf(self.run_call(call, receive_pack))
        self.assertEqual(len(call.exchange.replies), 1)


class UnbuiltTests(DispatcherCase):
    """
    Methods that nobody built, and methods that nobody ever heard of.
    """

    def test_provides(self):
        """
        It is an ``IDispatcher`` and knows everything.
        """
        dispatcher = Dispatcher([], (), self.clock)
        verifyObject(IDispatcher, dispatcher)
        self.assertEqual(len(dispatcher.methods), 156)

    def test_not_built(self):
        """
        A method that the service lacks, and one of a service that nobody built, are UNIMPLEMENTED.
        """
        dispatcher = self.dispatcher(SSH, lambda call, requests: None)
        for path, name in (
            ("SSHService/SSHUploadPackWithSidechannel", "SSHUploadPackWithSidechannel"),
            ("RefService/RefExists", "RefExists"),
        ):
            error = self.failureResultOf(dispatcher.dispatch(make_call(path)), GitalyError).value
            self.assertEqual((error.message, error.code), (f"method {name} not implemented", Code.UNIMPLEMENTED))

    def test_unknown(self):
        """
        Unknown methods, unknown services and paths that are none get grpc-go's texts (fault 162).
        """
        dispatcher = Dispatcher([], (), self.clock)
        for path, message in (
            ("/gitaly.RepositoryService/NoSuch", "unknown method NoSuch for service gitaly.RepositoryService"),
            ("/evil.Svc/Do", "unknown service evil.Svc"),
            ("/gitaly.RefTransaction/VoteTransaction", "unknown service gitaly.RefTransaction"),
            ("/nothing", 'malformed method name: "/nothing"'),
        ):
            error = self.assertRaises(UnknownMethod, dispatcher.method, path)
            self.assertEqual((error.message, str(error), error.code), (message, message, Code.UNIMPLEMENTED))
        self.assertRaises(KeyError, dispatcher.method, "/evil.Svc/Do")

    def test_other_package(self):
        """
        A service of another package is looked up in the descriptor pool.
        """
        # Imported for what it puts into the descriptor pool.
        from grpc_health.v1 import health_pb2

        dispatcher = Dispatcher([Service("grpc.health.v1.Health")], (), self.clock)
        check = dispatcher.method("/grpc.health.v1.Health/Check")
        self.assertEqual(check.request, health_pb2.HealthCheckRequest)
        self.assertEqual(len(dispatcher.methods), 156 + 3)

    def test_made_up_service(self):
        """
        A service without a descriptor is a mistake of whoever put the server together.
        """
        self.assertRaises(KeyError, Dispatcher, [Service("evil.Svc")], (), self.clock)

    def test_twice(self):
        """
        So are two objects for one service.
        """
        twice = [Service("RefService"), Service("RefService")]
        self.assertRaises(ValueError, Dispatcher, twice, (), self.clock)


class MiddlewareTests(DispatcherCase):
    """
    The chain.
    """

    def test_order(self):
        """
        Middlewares are passed in their order inwards, and in the opposite order outwards.
        """
        seen = []

        def middleware(name):
            async def pass_by(call, proceed):
                seen.append(f"{name} in")
                await proceed()
                seen.append(f"{name} out")

            return pass_by

        async def exists(call, request):
            seen.append("method")
            return repository_pb2.RepositoryExistsResponse()

        call = make_call(EXISTS, [repository_pb2.RepositoryExistsRequest()])
        self.successResultOf(self.run_call(call, exists, middleware("outer"), middleware("inner")))
        self.assertEqual(seen, ["outer in", "inner in", "method", "inner out", "outer out"])

    def test_refusal(self):
        """
        A middleware that raises keeps the call from the method, before a request is received.
        """

        async def refuse(call, proceed):
            raise GitalyError("no", Code.PERMISSION_DENIED)

        call = make_call(EXISTS, [repository_pb2.RepositoryExistsRequest()])
        done = self.run_call(call, lambda call, request: self.fail("called"), refuse)
        self.assertEqual(self.failureResultOf(done, GitalyError).value.code, Code.PERMISSION_DENIED)
        self.assertEqual(call.exchange.received, 0)

    def test_unbuilt_passes_the_chain(self):
        """
        A method that is not built is seen by the middlewares.
        """
        seen = []

        async def watch(call, proceed):
            seen.append(call.method.name)
            await proceed()

        middlewares: list[Any] = [watch]
        done = Dispatcher([], middlewares, self.clock).dispatch(make_call("RefService/RefExists"))
        self.failureResultOf(done, GitalyError)
        self.assertEqual(seen, ["RefExists"])

    def test_nothing_else_comes_out(self):
        """
        What is no GitalyError becomes one, is logged, and tells the caller nothing.
        """

        async def broken(call, proceed):
            raise RuntimeError("/srv/secret")

        error = self.failureResultOf(self.run_call(make_call(EXISTS), None, broken), GitalyError).value
        self.assertEqual((error.message, error.code), ("internal error", Code.INTERNAL))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)


class EndingTests(DispatcherCase):
    """
    Cancellation and deadlines.
    """

    def start(self, method, **more):
        call = make_call(EXISTS, [repository_pb2.RepositoryExistsRequest()], **more)
        return call, self.run_call(call, method)

    def test_cancel(self):
        """
        Cancelling cancels what the method waits for, and the call says that it was cancelled.
        """
        cancelled: list[object] = []
        waiting: Deferred[None] = Deferred(cancelled.append)

        async def wait(call, request):
            await waiting

        call, done = self.start(wait)
        self.assertNoResult(done)
        done.cancel()
        self.assertEqual(cancelled, [waiting])
        self.assertTrue(call.cancelled)
        error = self.failureResultOf(done, GitalyError).value
        self.assertEqual((error.message, error.code), ("context canceled", Code.CANCELLED))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_clean_up(self):
        """
        A cancelled call fires after its method has cleaned up; a deadline that passes meanwhile does not break that off.
        """
        cleaned: Deferred[None] = Deferred()
        steps = []

        async def wait(call, request):
            try:
                await Deferred()
            finally:
                await cleaned
                steps.append("clean")

        _, done = self.start(wait, deadline=3.0)
        done.cancel()
        self.assertNoResult(done)
        self.clock.advance(4)
        self.assertNoResult(done)
        cleaned.callback(None)
        self.failureResultOf(done, GitalyError)
        self.assertEqual(steps, ["clean"])

    def test_patience(self):
        """
        A method that does not stop is waited for five seconds; what becomes of it later hurts nobody.
        """
        never: Deferred[None] = Deferred()

        async def stubborn(call, request):
            try:
                await Deferred()
            except CancelledError:
                await never

        _, done = self.start(stubborn)
        done.cancel()
        self.clock.advance(4.9)
        self.assertNoResult(done)
        self.clock.advance(0.2)
        self.assertEqual(self.failureResultOf(done, GitalyError).value.code, Code.CANCELLED)
        never.errback(RuntimeError("late"))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_second_cancel(self):
        """
        Cancelling a second time stops the waiting, not the clean-up.
        """
        cleaned: Deferred[None] = Deferred()
        steps = []

        async def wait(call, request):
            try:
                await Deferred()
            finally:
                await cleaned
                steps.append("clean")

        _, done = self.start(wait)
        done.cancel()
        done.cancel()
        self.assertEqual(self.failureResultOf(done, GitalyError).value.code, Code.CANCELLED)
        cleaned.callback(None)
        self.assertEqual(steps, ["clean"])

    def test_deadline(self):
        """
        A deadline that passes cancels the method; patience has a limit then, too.
        """
        steps = []
        cleaned_up: Deferred[None] = Deferred()

        async def wait(call, request):
            try:
                await Deferred()
            except CancelledError:
                steps.append("cancelled")
                await cleaned_up

        call, done = self.start(wait, deadline=10.0)
        self.addCleanup(cleaned_up.callback, None)
        self.clock.advance(9.9)
        self.assertEqual(steps, [])
        self.clock.advance(0.1)
        self.assertEqual(steps, ["cancelled"])
        self.assertFalse(call.cancelled)
        self.clock.advance(5)
        error = self.failureResultOf(done, GitalyError).value
        self.assertEqual((error.message, error.code), ("context deadline exceeded", Code.DEADLINE_EXCEEDED))

    def test_in_time(self):
        """
        A call that ends before its deadline leaves no timer.
        """
        waiting: Deferred[None] = Deferred()

        async def wait(call, request):
            await waiting
            return repository_pb2.RepositoryExistsResponse()

        call, done = self.start(wait, deadline=10.0)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        waiting.callback(None)
        self.successResultOf(done)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(len(call.exchange.replies), 1)
