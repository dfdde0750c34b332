"""
Tests for :mod:`gitaly_tx.frontends.grpc.exchange`. What needs a channel is in ``test_handlers``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.frontends.grpc.exchange import LARGEST, decode
from protocols.gitaly.repository_pb2 import RepositoryExistsRequest
from tests.support.calls import METHODS

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
