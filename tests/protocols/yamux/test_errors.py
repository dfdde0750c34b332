"""
What errors tell the peer and the log.
"""

from __future__ import annotations

import inspect

from twisted.trial.unittest import SynchronousTestCase

from protocols.yamux import errors
from protocols.yamux.errors import GoAwayCode, ProtocolViolation, ReceiveWindowExceeded, Refused, YamuxError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, YamuxError)]


class YamuxErrorTests(SynchronousTestCase):
    """
    Errors have a constant text, fields for the log and a code for the peer.
    """

    def test_text_and_facts(self) -> None:
        """
        The text is constant, and what varies is in the facts.
        """
        error = ReceiveWindowExceeded(5, 6)
        self.assertEqual(str(error), "receive window exceeded")
        self.assertEqual(error.facts, {"window": 5, "length": 6})
        self.assertEqual(YamuxError().facts, {})

    def test_codes(self) -> None:
        """
        What the peer gets wrong ends the session with a code; what is refused to its owner does not end it.
        """
        for kind in KINDS:
            if issubclass(kind, ProtocolViolation):
                self.assertIs(kind.code, GoAwayCode.PROTOCOL_ERROR)
            else:
                self.assertIsNone(kind.code)
                self.assertTrue(kind is YamuxError or issubclass(kind, Refused), kind)

    def test_every_kind(self) -> None:
        """
        Every kind has its own sentence and its own text.
        """
        self.assertGreater(len(KINDS), 15)
        for kind in KINDS:
            self.assertTrue(kind.__doc__)
        self.assertEqual(len({kind.message for kind in KINDS}), len(KINDS))
