"""
Tests for :mod:`gitaly_tx.auth.callers`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.auth.callers import Callers, Wanted
from gitaly_tx.config.model import Auth


class CallersTests(SynchronousTestCase):
    """
    ``Callers``.
    """

    def test_of_configuration(self) -> None:
        """
        The present secret comes first, then earlier ones; without a present one nobody is asked.
        """
        wanted = Wanted.of(Auth(token="a", previous_tokens=("b", "é"), transitioning=True))
        self.assertEqual(wanted, Wanted((b"a", b"b", "é".encode()), True))
        self.assertEqual(Wanted.of(Auth()), Wanted())
        self.assertNotIn("very-secret", repr(Wanted.of(Auth(token="very-secret"))))

    def test_replaced(self) -> None:
        """
        What changes is told without secrets; what does not is not told.
        """
        callers = Callers(Wanted((b"very-secret",)))
        self.assertEqual(callers.replace(Wanted((b"very-secret",))), [])
        changes = callers.replace(Wanted((b"new", b"very-secret"), True))
        self.assertEqual(
            changes, ["gRPC callers: 2 tokens are accepted now", "gRPC callers without the token are let in and counted now"]
        )
        self.assertEqual(callers.wanted.secrets, (b"new", b"very-secret"))
        changes = callers.replace(Wanted((b"new",)))
        self.assertEqual(changes, ["gRPC callers: 1 token is accepted now", "gRPC callers without the token are refused now"])
