"""
Tests for :mod:`gitaly_tx.rpc.call`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.rpc.call import Identity
from tests.support.calls import make_call


class CallTests(SynchronousTestCase):
    """
    ``Call`` and ``Identity``.
    """

    def test_metadatum(self):
        """
        The last value counts; bytes are decoded whatever they are; a missing key is empty.
        """
        metadata = {"client_name": ("one", "two"), "x-bin": (b"\xff!",)}
        call = make_call("ServerService/ServerInfo", metadata=metadata)
        self.assertEqual(call.metadatum("client_name"), "two")
        self.assertEqual(call.metadatum("x-bin"), "�!")
        self.assertEqual(call.metadatum("user_id"), "")

    def test_gl_id(self):
        """
        A user's identity in GitLab's form is made of the name.
        """
        self.assertEqual(Identity("deploy").gl_id, "username-deploy")
        self.assertEqual(Identity().gl_id, "username-anonymous")
