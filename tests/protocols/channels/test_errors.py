"""
The texts of what can go wrong with a sidechannel.
"""

from __future__ import annotations

import inspect

from twisted.trial.unittest import SynchronousTestCase

from protocols.channels import errors
from protocols.channels.errors import (
    ConfirmationMissing,
    InputBrokenOff,
    InvalidHeader,
    MissingSidechannelID,
    NotMultiplexed,
    SidechannelError,
    StreamNotOpened,
    UnexpectedConfirmation,
)


class SidechannelErrorTests(SynchronousTestCase):
    """
    The texts are Gitaly's.
    """

    def test_texts(self) -> None:
        """
        Each error has the text that clients of Gitaly know.
        """
        for error, text in (
            (MissingSidechannelID(), "sidechannel: sidechannel-id not found in incoming metadata"),
            (NotMultiplexed(), "sidechannel: fail to extract yamux session: non-multiplexed connection"),
            (StreamNotOpened("session shutdown"), "sidechannel: open stream: session shutdown"),
            (ConfirmationMissing(ConfirmationMissing.EOF), "sidechannel: receive confirmation: EOF"),
            (ConfirmationMissing(ConfirmationMissing.DEADLINE), "sidechannel: receive confirmation: i/o deadline reached"),
            (UnexpectedConfirmation(b"no"), 'sidechannel: expected ok, got "no"'),
            (InvalidHeader(b"0001"), "sidechannel: invalid header 1"),
            (InvalidHeader(b"0003"), "sidechannel: invalid header 3"),
            (InvalidHeader(b"zz\0\n"), r'sidechannel: invalid header "zz\x00\n"'),
            (InputBrokenOff(), "unexpected EOF"),
        ):
            self.assertEqual(str(error), text)

    def test_quoting(self) -> None:
        """
        Odd bytes are shown as Go shows them.
        """
        for got, shown in (
            (b'"\\', r'"\"\\"'),
            (b"\x07\x7f", r'"\a\x7f"'),
            (b"\xff ", r'"\xff "'),
            ("é".encode(), '"é"'),
            ("\x80".encode(), r'"\u0080"'),
        ):
            self.assertEqual(str(UnexpectedConfirmation(got)), f"sidechannel: expected ok, got {shown}")

    def test_every_kind(self) -> None:
        """
        Every kind has a sentence, and its fields are facts for the log.
        """
        kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, SidechannelError)]
        self.assertGreater(len(kinds), 7)
        for kind in kinds:
            self.assertTrue(kind.__doc__)
        self.assertEqual(UnexpectedConfirmation(b"no").facts, {"got": b"no"})
        self.assertEqual(SidechannelError().facts, {})
