"""
Tests for :mod:`gitaly_tx.middleware.flags`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gitaly_tx.middleware.flags import Flags
from gitaly_tx.rpc.interfaces import IMiddleware
from tests.support.calls import make_call, pass_through


class FlagsTests(SynchronousTestCase):
    """
    ``Flags``.
    """

    def flags(self, **metadata: tuple[str | bytes, ...]) -> tuple[dict[str, bool], str | None]:
        """
        What a call has after it passed: its flags, and what its line says of them.
        """
        middleware = Flags()
        verifyObject(IMiddleware, middleware)
        call = make_call("RefService/RefExists", metadata={key.replace("_", "-"): value for key, value in metadata.items()})
        self.successResultOf(pass_through(middleware, call))
        return call.flags, call.fields.get("feature_flags")

    def test_values(self) -> None:
        """
        ``true`` is on, ``false`` is off, anything else is not there; dashes stand for underscores.
        """
        found = self.flags(
            gitaly_feature_go_faster=("true",),
            gitaly_feature_slow=("false",),
            gitaly_feature_odd=("1",),
            gitaly_feature_upper=("TRUE",),
            other=("true",),
        )
        self.assertEqual(found, ({"go_faster": True, "slow": False}, "go_faster"))

    def test_line(self) -> None:
        """
        The line names those that are on, in order; without any it says nothing.
        """
        self.assertEqual(self.flags(gitaly_feature_b=("true",), gitaly_feature_a=("false", "true"))[1], "a b")
        self.assertEqual(self.flags(gitaly_feature_b=("false",)), ({"b": False}, None))
        self.assertEqual(self.flags(), ({}, None))
