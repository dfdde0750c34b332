"""
Tests for :mod:`gitaly_tx.middleware.metrics`.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.middleware.metrics import LONGEST_NAME, MAXIMUM_NAMES, CallMetrics, Names
from gitaly_tx.observability.metrics import Metrics
from gitaly_tx.rpc.call import Door
from gitaly_tx.rpc.interfaces import IMiddleware
from tests.support.calls import make_call, pass_through, raising

LABELS = {"grpc_type": "bidi_stream", "grpc_service": "gitaly.SSHService", "grpc_method": "SSHReceivePack"}


class CallMetricsTests(SynchronousTestCase):
    """
    ``CallMetrics``.
    """

    def setUp(self):
        self.registry = CollectorRegistry()
        self.clock = Clock()
        self.middleware = CallMetrics(Metrics(self.registry, process=False), self.clock)

    def value(self, name, **labels):
        return self.registry.get_sample_value(name, labels or LABELS)

    def test_provides(self):
        """
        It is a middleware.
        """
        verifyObject(IMiddleware, self.middleware)

    def test_success(self):
        """
        A call is counted when it begins and when it ends, and measured between.
        """
        waiting: Deferred[None] = Deferred()

        async def method():
            await waiting

        call = make_call("SSHService/SSHReceivePack", door=Door.SSH, received=100, sent=7)
        done = pass_through(self.middleware, call, method)
        method_labels = {"grpc_service": "gitaly.SSHService", "grpc_method": "SSHReceivePack"}
        self.assertEqual(self.value("grpc_server_started_total"), 1)
        self.assertEqual(self.value("gitaly_tx_calls_in_flight", **method_labels), 1)
        self.assertIsNone(self.value("grpc_server_handled_total", **LABELS, grpc_code="OK"))
        self.clock.advance(0.3)
        waiting.callback(None)
        self.successResultOf(done)
        self.assertEqual(self.value("gitaly_tx_calls_in_flight", **method_labels), 0)
        self.assertEqual(self.value("grpc_server_handled_total", **LABELS, grpc_code="OK"), 1)
        self.assertAlmostEqual(self.value("grpc_server_handling_seconds_sum"), 0.3)
        self.assertEqual(self.value("gitaly_tx_bytes_total", protocol="ssh", direction="in"), 100)
        self.assertEqual(self.value("gitaly_tx_bytes_total", protocol="ssh", direction="out"), 7)

    def test_failures(self):
        """
        Failures are counted by code; what has none is unknown.
        """
        for error, code in ((GitalyError("x", Code.NOT_FOUND), "NotFound"), (RuntimeError("x"), "Unknown")):
            done = pass_through(self.middleware, make_call("SSHService/SSHReceivePack"), raising(error))
            self.failureResultOf(done, type(error))
            self.assertEqual(self.value("grpc_server_handled_total", **LABELS, grpc_code=code), 1)
        self.assertEqual(self.value("grpc_server_handling_seconds_count"), 2)
        self.assertEqual(self.value("grpc_server_started_total"), 2)

    def test_clients(self):
        """
        Who asks is counted under Gitaly's name and labels; what nobody says is unknown.
        """
        said = {
            "grpc.meta.client_name": "web",
            "grpc.meta.call_site": "rpc",
            "grpc.meta.auth_version": "v2",
            "grpc.meta.deadline_type": "regular",
        }
        for fields in (said, said, {}):
            call = make_call("SSHService/SSHReceivePack", fields=dict(fields))
            self.failureResultOf(pass_through(self.middleware, call, raising(GitalyError("x", Code.NOT_FOUND))), GitalyError)
        self.successResultOf(pass_through(self.middleware, make_call("ServerService/ServerInfo")))
        method = {"grpc_service": "gitaly.SSHService", "grpc_method": "SSHReceivePack", "grpc_code": "NotFound"}
        what = {"method_operation": "mutator", "method_scope": "repository"}
        name = "gitaly_service_client_requests_total"
        labels = {"client_name": "web", "call_site": "rpc", "auth_version": "v2", "deadline_type": "regular"}
        self.assertEqual(self.value(name, **method, **what, **labels), 2)
        nobody = dict.fromkeys(labels, "unknown")
        self.assertEqual(self.value(name, **method, **what, **nobody), 1)
        method = {"grpc_service": "gitaly.ServerService", "grpc_method": "ServerInfo", "grpc_code": "OK"}
        self.assertEqual(self.value(name, **method, **dict.fromkeys(what, "unknown"), **nobody), 1)

    def test_few_names(self):
        """
        However many names callers think of, few are told apart, and no long ones.
        """
        names = Names()
        for number in range(MAXIMUM_NAMES):
            self.assertEqual(names.known(str(number)), str(number))
        self.assertEqual((names.known("late"), names.known("0")), ("other", "0"))
        self.assertEqual(Names().known("x" * (LONGEST_NAME + 1)), "other")
