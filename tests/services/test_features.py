"""
Tests for :mod:`gitaly_tx.services.features`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.services.features import enabled
from tests.support.calls import make_call


class EnabledTests(SynchronousTestCase):
    """
    ``enabled``.
    """

    def test_enabled(self):
        """
        A flag is what the caller says, or what it is by default.
        """
        for values, default, expected in (
            (("true",), False, True),
            (("false",), True, False),
            ((), True, True),
            ((), False, False),
            (("yes",), False, False),
            (("",), True, True),
        ):
            call = make_call("OperationService/UserRevert", metadata={"gitaly-feature-some-flag": values})
            self.assertEqual(enabled(call, "some_flag", default), expected)
