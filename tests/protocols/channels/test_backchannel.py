"""
The first bytes of a connection.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.channels.backchannel import BACKCHANNEL, LONGEST, SIDECHANNEL, Opening, opening

from ..git import cuts

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class OpeningTests(SynchronousTestCase):
    """
    :func:`opening` tells what a connection is for.
    """

    def test_words(self) -> None:
        """
        The three words are told by eleven bytes, whatever follows.
        """
        known = ((BACKCHANNEL, Opening.BACKCHANNEL), (SIDECHANNEL, Opening.SIDECHANNEL), (PREFACE[:11], Opening.HTTP2))
        for word, kind in known:
            self.assertEqual(len(word), LONGEST)
            for end in range(LONGEST):
                self.assertIsNone(opening(word[:end]))
            self.assertIs(opening(word), kind)
            self.assertIs(opening(word + b"\0\1\0\1"), kind)

    def test_other(self) -> None:
        """
        Anything else is told as soon as it differs.
        """
        for start in (b"\x16\x03\x01", b"G", b"PO", b"backchanneL", b"sidechannem", b"BACK", b"\0"):
            self.assertIs(opening(start), Opening.OTHER)

    @cuts.few
    @given(st.one_of(st.binary(max_size=30), st.sampled_from([BACKCHANNEL, SIDECHANNEL, PREFACE])), st.binary(max_size=9))
    def test_decision_is_final(self, start: bytes, more: bytes) -> None:
        """
        What was told does not change with further bytes, and eleven are enough.
        """
        told = [opening((start + more)[:end]) for end in range(len(start + more) + 1)]
        decided = [kind for kind in told if kind is not None]
        self.assertLessEqual(len(set(decided)), 1)
        self.assertEqual(told, [None] * (len(told) - len(decided)) + decided)
        self.assertNotIn(None, told[LONGEST:])
