"""
Tests for :mod:`gitaly_tx.rpc.exchanges`.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.rpc.exchanges import NotedExchange, PeekedExchange
from gitaly_tx.rpc.interfaces import IExchange
from protocols.gitaly.smarthttp_pb2 import PostReceivePackRequest, PostReceivePackResponse
from tests.support.calls import RecordingExchange

ONE, TWO = PostReceivePackRequest(gl_id="user-1"), PostReceivePackRequest(gl_id="user-2")
REPLY = PostReceivePackResponse(data=b"reply")


def receive(exchange):
    async def run():
        return await exchange.receive()

    return Deferred.fromCoroutine(run())


def send(exchange):
    async def run():
        await exchange.send(REPLY)

    return Deferred.fromCoroutine(run())


class PeekedExchangeTests(SynchronousTestCase):
    """
    ``PeekedExchange``.
    """

    def test_peek(self):
        """
        What was peeked at is received again, once; peeking twice asks once.
        """
        inner = RecordingExchange([ONE, TWO])
        exchange = PeekedExchange(inner)
        verifyObject(IExchange, exchange)
        peeks = [self.successResultOf(Deferred.fromCoroutine(exchange.peek())) for _ in range(2)]
        self.assertEqual(peeks, [ONE, ONE])
        self.assertEqual(inner.received, 1)
        self.assertEqual([self.successResultOf(receive(exchange)) for _ in range(3)], [ONE, TWO, None])

    def test_without_peek(self):
        """
        It is the inner exchange for whoever does not peek.
        """
        inner = RecordingExchange([ONE])
        exchange = PeekedExchange(inner)
        self.assertEqual(self.successResultOf(receive(exchange)), ONE)
        self.successResultOf(send(exchange))
        self.assertEqual(inner.replies, [REPLY])

    def test_nothing(self):
        """
        A caller that half-closes at once is seen to have sent nothing.
        """
        exchange = PeekedExchange(RecordingExchange())
        self.assertIsNone(self.successResultOf(Deferred.fromCoroutine(exchange.peek())))
        self.assertIsNone(self.successResultOf(receive(exchange)))


class NotedExchangeTests(SynchronousTestCase):
    """
    ``NotedExchange``.
    """

    def test_first_request(self):
        """
        The first request is told once, when it is received.
        """
        noted: list[object] = []
        inner = RecordingExchange([ONE, TWO])
        exchange = NotedExchange(inner, noted.append)
        verifyObject(IExchange, exchange)
        self.assertEqual(noted, [])
        self.assertEqual([self.successResultOf(receive(exchange)) for _ in range(3)], [ONE, TWO, None])
        self.assertEqual(noted, [ONE])
        self.successResultOf(send(exchange))
        self.assertEqual(inner.replies, [REPLY])

    def test_no_request(self):
        """
        A half-close is not told.
        """
        noted: list[object] = []
        self.assertIsNone(self.successResultOf(receive(NotedExchange(RecordingExchange(), noted.append))))
        self.assertEqual(noted, [])
