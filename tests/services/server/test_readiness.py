"""
Tests for :mod:`gitaly_tx.services.server.readiness`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.services.server.readiness import readiness_check


class ReadinessTests(SynchronousTestCase):
    """
    ``readiness_check``.
    """

    def test_ok(self):
        """
        The answer is an empty ``ok_response`` that is there.
        """
        self.assertEqual(readiness_check().SerializeToString(), b"\x0a\x00")
