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
from gitaly_tx.middleware.metrics import CallMetrics
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
