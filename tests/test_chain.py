"""
Tests for :mod:`gitaly_tx.chain`: what the middlewares do together.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from gitaly_tx.auth.callers import Callers, Wanted
from gitaly_tx.auth.interfaces import Decision, IAccess, Verb
from gitaly_tx.auth.token import issue_token
from gitaly_tx.chain import chain
from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.observability.metrics import Metrics
from gitaly_tx.rpc.call import Door
from gitaly_tx.rpc.dispatcher import Dispatcher
from protocols.gitaly.shared_pb2 import Repository
from protocols.gitaly.ssh_pb2 import SSHReceivePackRequest, SSHReceivePackResponse
from tests.support.calls import Service, make_call
from tests.support.events import logged

NOW = 1_700_000_000.0
PUSH = SSHReceivePackRequest(repository=Repository(storage_name="default", relative_path="team/thing.git"))


@implementer(IAccess)
class Writers:
    """
    ``deploy`` may write, nobody may do anything else.
    """

    def decide(self, user: str | None, verb: Verb, storage: str, path: str) -> Deferred[Decision]:
        return succeed(Decision(user == "deploy" and verb <= Verb.WRITE, "rule 1"))

    def reach(self, user: str | None) -> Deferred[list[tuple[str, Verb]]]:
        return succeed([])


class ChainTests(SynchronousTestCase):
    """
    ``chain``.
    """

    def setUp(self):
        self.registry = CollectorRegistry()
        self.clock = Clock()
        self.ran = 0

    def dispatch(self, token=None, error=None, **more):
        """
        Push through the whole chain.

        :returns: the call, its Deferred, and the access lines.
        """

        async def receive_pack(call, requests):
            self.ran += 1
            async for _ in requests:
                pass
            if error is not None:
                raise error
            yield SSHReceivePackResponse(stdout=b"x")

        middlewares = chain(
            clock=self.clock,
            now=lambda: NOW,
            metrics=Metrics(self.registry, process=False),
            access=Writers(),
            callers=None if token is None else Callers(token),
        )
        dispatcher = Dispatcher([Service("SSHService", SSHReceivePack=receive_pack)], middlewares, self.clock)
        call = make_call("SSHService/SSHReceivePack", [PUSH], **more)
        self.exchange = call.exchange
        with logged("gitaly_tx.middleware") as events:
            done = dispatcher.dispatch(call)
        return call, done, [event for event in events if "grpc.code" in event]

    def test_success(self):
        """
        A call that succeeds is one line, with the id and the fields of the request.
        """
        call, done, lines = self.dispatch(door=Door.SSH, user="deploy")
        self.successResultOf(done)
        self.assertEqual(len(self.exchange.replies), 1)
        (line,) = lines
        self.assertEqual(line["correlation_id"], call.correlation_id)
        self.assertEqual(len(call.correlation_id), 32)
        expected = {
            "grpc.code": "OK",
            "grpc.request.repoPath": "team/thing.git",
            "username": "deploy",
            "access": "rule 1",
            "log_format": "push team/thing by deploy over ssh: 0 B in 0 ms OK",
        }
        self.assertEqual({key: line[key] for key in expected}, expected)

    def test_refused_by_rule(self):
        """
        A call that the rules refuse is one line too, is counted, and never reaches its method.
        """
        _, done, lines = self.dispatch(door=Door.SSH, user="alpha")
        self.assertEqual(self.failureResultOf(done, GitalyError).value.code, Code.NOT_FOUND)
        (line,) = lines
        self.assertEqual((line["grpc.code"], line["error_metadata"]), ("NotFound", {"access": "rule 1"}))
        self.assertEqual(line["grpc.request.fullMethod"], "/gitaly.SSHService/SSHReceivePack")
        self.assertEqual(self.ran, 0)
        labels = {"grpc_type": "bidi_stream", "grpc_service": "gitaly.SSHService", "grpc_method": "SSHReceivePack"}
        handled = self.registry.get_sample_value("grpc_server_handled_total", {**labels, "grpc_code": "NotFound"})
        self.assertEqual(handled, 1)

    def test_token(self):
        """
        Over gRPC the token decides, where one is configured, before a message is received.
        """
        _, done, lines = self.dispatch(Wanted((b"foo",)))
        self.assertEqual(self.failureResultOf(done, GitalyError).value.code, Code.UNAUTHENTICATED)
        self.assertEqual((self.exchange.received, len(lines), self.ran), (0, 1, 0))
        self.setUp()
        metadata = {"authorization": (f"Bearer {issue_token(b'foo', NOW)}",)}
        _, done, _ = self.dispatch(Wanted((b"foo",)), metadata=metadata)
        self.successResultOf(done)
        self.setUp()
        _, done, _ = self.dispatch(Wanted((b"foo",), transitioning=True))
        self.successResultOf(done)
        self.setUp()
        _, done, _ = self.dispatch()
        self.successResultOf(done)

    def test_bug(self):
        """
        A bug in a method is logged once as a failure and once as a line; the caller learns the id.
        """
        call, done, lines = self.dispatch(error=RuntimeError("/srv"))
        error = self.failureResultOf(done, GitalyError).value
        self.assertEqual(error.message, f"internal error, correlation id {call.correlation_id}")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual([line["grpc.code"] for line in lines], ["Internal"])

    def test_late_error(self):
        """
        After the deadline every failure is the deadline's, also in the line.
        """
        _, done, lines = self.dispatch(error=GitalyError("running git", Code.INTERNAL), deadline=-1.0)
        error = self.failureResultOf(done, GitalyError).value
        self.assertEqual((error.message, error.code), ("running git", Code.DEADLINE_EXCEEDED))
        self.assertEqual([line["grpc.code"] for line in lines], ["DeadlineExceeded"])
