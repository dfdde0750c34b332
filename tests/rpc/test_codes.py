"""
Tests for :mod:`gitaly_tx.rpc.codes`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code
from gitaly_tx.rpc.codes import go_name


class GoNameTests(SynchronousTestCase):
    """
    ``go_name``.
    """

    def test_names(self):
        """
        Codes are spelled as Go spells them, with its one l.
        """
        self.assertEqual(go_name(None), "OK")
        self.assertEqual(go_name(Code.CANCELLED), "Canceled")
        self.assertEqual(go_name(Code.NOT_FOUND), "NotFound")
        self.assertEqual(go_name(Code.DATA_LOSS), "DataLoss")
        self.assertEqual(go_name(Code.UNIMPLEMENTED), "Unimplemented")
