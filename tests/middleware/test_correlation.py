"""
Tests for :mod:`gitaly_tx.middleware.correlation`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.middleware.correlation import CORRELATION_KEY, Correlation, new_correlation_id
from gitaly_tx.observability.context import current_correlation_id, current_fields
from gitaly_tx.rpc.interfaces import IMiddleware
from tests.support.calls import make_call, pass_through


class CorrelationTests(SynchronousTestCase):
    """
    ``Correlation``.
    """

    def setUp(self):
        self.middleware = Correlation(lambda: "made")

    def identify(self, *values: str | bytes, **more: Any) -> str:
        call = make_call("ServerService/ServerInfo", metadata={CORRELATION_KEY: values} if values else {}, **more)
        self.successResultOf(pass_through(self.middleware, call))
        return call.correlation_id

    def test_provides(self):
        """
        It is a middleware.
        """
        verifyObject(IMiddleware, self.middleware)

    def test_caller(self):
        """
        The caller's id is kept.
        """
        self.assertEqual(self.identify("01HABC-x.y/z"), "01HABC-x.y/z")

    def test_door(self):
        """
        An id that the door has set is kept.
        """
        self.assertEqual(self.identify("caller", correlation_id="door"), "door")

    def test_made(self):
        """
        A caller without an id, or with one that could do harm in a log or an environment, gets a new one.
        """
        for given in ("", "a b", "a\nb", "é", "x" * 256, "\x1b[31m", "a\0b"):
            self.assertEqual(self.identify(given), "made")
        self.assertEqual(self.identify(), "made")

    def test_new_ids(self):
        """
        New ids are different, and harmless themselves.
        """
        first, second = new_correlation_id(), new_correlation_id()
        self.assertNotEqual(first, second)
        self.assertEqual(self.identify(first), first)

    def test_context(self):
        """
        Whatever runs because of the call sees the id and the fields, also after it has waited; others do not.
        """
        waiting: Deferred[None] = Deferred()
        seen = []

        async def inner():
            await waiting
            seen.append((current_correlation_id(), current_fields()))

        call = make_call("ServerService/ServerInfo")
        done = pass_through(self.middleware, call, inner)
        self.assertEqual(current_correlation_id(), "")
        waiting.callback(None)
        self.successResultOf(done)
        self.assertEqual(seen[0][0], "made")
        self.assertIs(seen[0][1], call.fields)
