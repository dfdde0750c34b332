"""
Tests for :mod:`gitaly_tx.middleware.status`.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.middleware.status import Status
from gitaly_tx.rpc.interfaces import IMiddleware
from gitaly_tx.streams import StreamBroken
from tests.support.calls import clock_at, make_call, pass_through, raising


class StatusTests(SynchronousTestCase):
    """
    ``Status``.
    """

    def fail_with(self, error, **more):
        """
        What comes out when ``error`` goes in; the time is 100.
        """
        middleware = Status(clock_at(100))
        verifyObject(IMiddleware, middleware)
        call = make_call("ServerService/ServerInfo", **more)
        out = self.failureResultOf(pass_through(middleware, call, raising(error)), GitalyError).value
        return out, (out.message, out.code)

    def test_success(self):
        """
        A call that succeeds passes, even past its deadline.
        """
        call = make_call("ServerService/ServerInfo", deadline=1.0)
        self.assertIsNone(self.successResultOf(pass_through(Status(clock_at(100)), call)))

    def test_error(self):
        """
        A GitalyError passes as it is.
        """
        error = GitalyError("no such thing", Code.NOT_FOUND)
        self.assertIs(self.fail_with(error, deadline=101.0)[0], error)

    def test_late_error(self):
        """
        After the deadline the code says so; message, facts and details stay.
        """
        error = GitalyError("running git", Code.INTERNAL, {"args": ["x"]}, ("detail",))
        out, told = self.fail_with(error, deadline=100.0)
        self.assertEqual(told, ("running git", Code.DEADLINE_EXCEEDED))
        self.assertEqual((out.facts, out.details), ({"args": ["x"]}, ("detail",)))

    def test_error_after_cancellation(self):
        """
        After the caller has gone the code says so; at the deadline it is the deadline that made it go.
        """
        error = GitalyError("running git", Code.INTERNAL)
        self.assertEqual(self.fail_with(error, cancelled=True)[1], ("running git", Code.CANCELLED))
        self.assertEqual(self.fail_with(error, cancelled=True, deadline=100.04)[1][1], Code.DEADLINE_EXCEEDED)
        self.assertEqual(self.fail_with(error, cancelled=True, deadline=101.0)[1][1], Code.CANCELLED)

    def test_cancelled(self):
        """
        A cancellation and a client that has gone get Go's words.
        """
        for error in (CancelledError(), StreamBroken("gone")):
            self.assertEqual(self.fail_with(error)[1], ("context canceled", Code.CANCELLED))
            self.assertEqual(self.fail_with(error, deadline=99.0)[1], ("context deadline exceeded", Code.DEADLINE_EXCEEDED))

    def test_anything_else(self):
        """
        Anything else is logged and INTERNAL, in two words.
        """
        self.assertEqual(self.fail_with(RuntimeError("/srv/secret"))[1], ("internal error", Code.INTERNAL))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
