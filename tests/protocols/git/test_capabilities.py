"""
Capabilities.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from protocols.git import capabilities
from protocols.git.capabilities import Capabilities
from protocols.git.errors import InvalidCapability

from . import cuts

names = st.from_regex(rb"\A[a-z][a-z0-9-]{0,8}\Z")
values = st.none() | st.from_regex(rb"\A[!-~]{0,10}\Z")


class CapabilitiesTests(SynchronousTestCase):
    """
    :class:`Capabilities` keeps names and values in their order.
    """

    @cuts.few
    @given(st.lists(st.tuples(names, values), max_size=6))
    def test_round_trip(self, items: list[tuple[bytes, bytes | None]]) -> None:
        """
        What is encoded is parsed to the same.
        """
        made = Capabilities(items)
        self.assertEqual(Capabilities.parse(made.encode()), made)
        self.assertEqual(Capabilities.parse_lines(made.lines()), made)

    @cuts.few
    @given(st.binary(max_size=60))
    def test_junk(self, words: bytes) -> None:
        """
        Junk is either capabilities without control characters, or refused as a capability.
        """
        try:
            parsed = Capabilities.parse(words)
        except InvalidCapability:
            return
        self.assertFalse(any(byte < 32 or byte == 127 for byte in parsed.encode()))

    def test_asked(self) -> None:
        """
        A capability is there with a value or without; of several values the first counts.
        """
        parsed = Capabilities.parse(b" report-status  agent=git/2.39.5 symref=HEAD:refs/heads/main symref=A:B empty= agent")
        self.assertTrue(parsed.has(b"report-status"))
        self.assertFalse(parsed.has(b"report"))
        self.assertIsNone(parsed.value(b"report-status"))
        self.assertIsNone(parsed.value(b"quiet"))
        self.assertEqual(parsed.value(b"agent"), b"git/2.39.5")
        self.assertEqual(parsed.value(b"empty"), b"")
        self.assertEqual(parsed.values(b"symref"), [b"HEAD:refs/heads/main", b"A:B"])
        self.assertEqual(parsed.values(b"report-status"), [])

    def test_refused(self) -> None:
        """
        Control characters and capabilities without a name are refused.
        """
        for words in (b"a\nb", b"a\0", b"agent=\x1b[31m", b"=value", b"a=\x7f"):
            self.assertRaises(InvalidCapability, Capabilities.parse, words)
        for name in (b"", b"a b", b"a=b"):
            self.assertRaises(InvalidCapability, Capabilities, [(name, None)])

    def test_value_with_spaces(self) -> None:
        """
        A value with spaces is a line of v2, and no word of v0.
        """
        made = Capabilities.parse_lines([b"fetch=shallow filter"])
        self.assertEqual(made.value(b"fetch"), b"shallow filter")
        self.assertEqual(made.lines(), [b"fetch=shallow filter"])
        self.assertRaises(ValueError, made.encode)

    def test_agent(self) -> None:
        """
        An agent's name is made printable.
        """
        self.assertEqual(capabilities.agent("gitaly tx/1 (ü)".encode()), b"gitaly.tx/1.(..)")
