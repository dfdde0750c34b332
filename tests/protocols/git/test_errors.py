"""
What errors tell the client and the log.
"""

from __future__ import annotations

import inspect

from twisted.trial.unittest import SynchronousTestCase

from protocols.git import errors
from protocols.git.errors import GitProtocolError, HTTPRefused, InvalidPktLine, MalformedCommand, SSHCommandRefused


class GitProtocolErrorTests(SynchronousTestCase):
    """
    Errors have a constant text for the client and fields for the log.
    """

    def test_text_is_constant(self) -> None:
        """
        The text does not repeat what the client sent.
        """
        self.assertEqual(str(InvalidPktLine(b"zzzz")), "bad pkt-line length")

    def test_facts(self) -> None:
        """
        The fields are facts for the log, long ones cut.
        """
        self.assertEqual(MalformedCommand(b"x" * 5000).facts, {"line": b"x" * 120})
        self.assertEqual(errors.UnknownBand(9).facts, {"band": 9})
        self.assertEqual(GitProtocolError().facts, {})

    def test_own_texts(self) -> None:
        """
        Refusals over SSH and HTTP say in their own words why.
        """
        self.assertEqual(str(SSHCommandRefused("no such command")), "no such command")
        refused = HTTPRefused(405, "method not allowed", ((b"Allow", b"POST"),))
        self.assertEqual((str(refused), refused.status), ("method not allowed", 405))

    def test_every_kind(self) -> None:
        """
        Every kind has its sentence, and all but the two that carry their own text have a text apart from the base's.
        """
        kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, GitProtocolError)]
        self.assertGreater(len(kinds), 15)
        for kind in set(kinds) - {GitProtocolError}:
            self.assertTrue(kind.__doc__ and kind.__doc__.strip().endswith("."), kind)
            if kind not in (SSHCommandRefused, HTTPRefused):
                self.assertNotEqual(kind.message, GitProtocolError.message, kind)
