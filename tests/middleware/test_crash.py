"""
Tests for :mod:`gitaly_tx.middleware.crash`.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.middleware.crash import Crash
from gitaly_tx.rpc.interfaces import IMiddleware
from gitaly_tx.streams import StreamBroken
from tests.support.calls import make_call, pass_through, raising


class CrashTests(SynchronousTestCase):
    """
    ``Crash``.
    """

    def test_success(self):
        """
        A call that succeeds passes.
        """
        verifyObject(IMiddleware, Crash())
        self.assertIsNone(self.successResultOf(pass_through(Crash(), make_call("ServerService/ServerInfo"))))

    def test_meant_for_the_caller(self):
        """
        Errors that are meant for the caller, or come from it, pass as they are and are not logged.
        """
        for error in (GitalyError("no", Code.NOT_FOUND), CancelledError(), StreamBroken("gone")):
            done = pass_through(Crash(), make_call("ServerService/ServerInfo"), raising(error))
            self.assertIs(self.failureResultOf(done).value, error)

    def test_bug(self):
        """
        A bug is logged once with its traceback; the caller gets the correlation id and no word of what happened.
        """
        call = make_call("ServerService/ServerInfo", correlation_id="abc")
        done = pass_through(Crash(), call, raising(KeyError("/srv/storage")))
        error = self.failureResultOf(done, GitalyError).value
        self.assertEqual((error.message, error.code), ("internal error, correlation id abc", Code.INTERNAL))
        self.assertEqual(error.facts, {"error": "KeyError('/srv/storage')"})
        failures = self.flushLoggedErrors(KeyError)
        self.assertEqual(len(failures), 1)
        self.assertIn("KeyError", failures[0].getTraceback())
