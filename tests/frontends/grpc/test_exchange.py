"""
Tests for :mod:`gitaly_tx.frontends.grpc.exchange`. What needs a channel is in ``test_handlers``.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.frontends.grpc.exchange import LARGEST, AnswerExchange, decode
from gitaly_tx.streams import StreamBroken
from protocols.gitaly.repository_pb2 import RepositoryExistsRequest
from protocols.gitaly.smarthttp_pb2 import InfoRefsResponse
from tests.support.calls import METHODS, make_call
from tests.support.grpcclient import GRPCCase, deferred

EXISTS = METHODS["/gitaly.RepositoryService/RepositoryExists"]


class DecodeTests(SynchronousTestCase):
    """
    ``decode``.
    """

    def test_message(self):
        """
        Bytes become the method's request; no bytes are an empty one.
        """
        self.assertEqual(decode(EXISTS, b""), RepositoryExistsRequest())

    def test_limits(self):
        """
        A byte too many is refused before anything is decoded.
        """
        error = self.assertRaises(GitalyError, decode, EXISTS, bytes(LARGEST + 1))
        self.assertEqual(error.code, Code.RESOURCE_EXHAUSTED)
        self.assertEqual(error.message, f"grpc: received message larger than max ({LARGEST + 1} vs. {LARGEST})")

    def test_junk(self):
        """
        What is no message is INTERNAL.
        """
        error = self.assertRaises(GitalyError, decode, EXISTS, b"\xff")
        self.assertEqual(error.code, Code.INTERNAL)


class Gone:
    """
    grpcio's context of a client that has gone.
    """

    def __init__(self):
        self.tried = 0

    async def write(self, message):
        self.tried += 1
        raise RuntimeError("no")


class AnswerTests(GRPCCase):
    """
    ``AnswerExchange``.
    """

    async def test_gone(self):
        """
        When the method has ended, nobody is told that the client has gone; nothing can be sent afterwards.
        """
        context: Any = Gone()
        exchange = AnswerExchange(METHODS["/gitaly.SmartHTTPService/InfoRefsUploadPack"], b"", context, "key")
        exchange.call = make_call("SmartHTTPService/InfoRefsUploadPack")

        async def run():
            await exchange.send(InfoRefsResponse(data=b"x"))
            await exchange.finish()

        await deferred(run())
        self.assertEqual(context.tried, 1)
        exchange.close()
        self.assertRaises(StreamBroken, exchange.send, InfoRefsResponse(data=b"y"))
