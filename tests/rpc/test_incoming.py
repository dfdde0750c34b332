"""
Tests for :mod:`gitaly_tx.rpc.incoming`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.rpc.incoming import Incoming
from gitaly_tx.streams import PIECE, IByteSource, StreamBroken


class IncomingTests(SynchronousTestCase):
    """
    What came in is handed out in its order.
    """

    def setUp(self) -> None:
        self.left: list[int] = []
        self.incoming = Incoming(self.left.append)

    def test_pieces(self) -> None:
        """
        What is there is handed out as one piece, as far as a piece goes, and it is told how much is left.
        """
        verifyObject(IByteSource, self.incoming)
        counted: list[int] = []
        self.incoming.counted = counted.append
        for size in (1, 2, PIECE):
            self.incoming.data_received(b"x" * size)
        self.assertEqual([len(self.successResultOf(self.incoming.read())) for _ in range(2)], [3, PIECE])
        self.assertEqual((self.left, counted, self.incoming.received), ([PIECE, 0], [1, 2, PIECE], PIECE + 3))

    def test_ends(self) -> None:
        """
        A complete stream stays complete if the client leaves afterwards; one that broke off fails its reader.
        """
        reading = self.incoming.read()
        self.incoming.broken_off()
        self.failureResultOf(reading, StreamBroken)
        self.incoming.end_received()
        self.assertEqual(self.successResultOf(self.incoming.read()), b"")
