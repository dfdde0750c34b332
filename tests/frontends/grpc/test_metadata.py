"""
Tests for :mod:`gitaly_tx.frontends.grpc.metadata`. What needs a channel is in ``test_handlers``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.frontends.grpc.metadata import CORRELATION_KEY, peer_text
from gitaly_tx.middleware import correlation


class PeerTests(SynchronousTestCase):
    """
    ``peer_text``.
    """

    def test_peers(self):
        """
        Addresses are written as people write them.
        """
        peers = {
            "ipv4:127.0.0.1:50112": "127.0.0.1:50112",
            "ipv6:%5B::1%5D:50112": "[::1]:50112",
            "unix:/run/s.sock": "unix",
            "unix:": "unix",
        }
        self.assertEqual({peer: peer_text(peer) for peer in peers}, peers)


class KeyTests(SynchronousTestCase):
    """
    The correlation id's key.
    """

    def test_one_key(self):
        """
        What comes in under a key goes out under the same.
        """
        self.assertEqual(CORRELATION_KEY, correlation.CORRELATION_KEY)
