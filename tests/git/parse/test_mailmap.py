"""
Mailmaps, beside git's own reading of them.
"""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.parse.mailmap import NONE, Mailmap
from tests.support.git import git, make_repository

NAMES = st.sampled_from(["", " ", "Ann", "ann", " Ann  Lee ", "Bob", "B"])
MAILS = st.sampled_from(["", "a@x", "A@X", "b@x", " c@x"])
LINES = st.one_of(
    st.builds("{}<{}>".format, NAMES, MAILS),
    st.builds("{} <{}> {} <{}>".format, NAMES, MAILS, NAMES, MAILS),
    st.sampled_from(["# Ann <a@x>", "", "Ann", "Ann <a@x", "<a@x>", "<a@x> <b@x> # why", "Ann <a@x> Bob", " # <a@x>"]),
)


class MailmapTests(SynchronousTestCase):
    """
    ``Mailmap``
    """

    def setUp(self) -> None:
        self.directory = make_repository(os.path.abspath(self.mktemp()))

    @settings(max_examples=60, deadline=None)
    @given(st.lists(LINES, max_size=6), st.booleans())
    def test_like_git(self, lines: list[str], ended: bool):
        """
        Everybody is shown as git shows them.
        """
        content = "\n".join(lines) + "\n" * ended
        path = self.directory.path + "/mailmap"
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        people = [(name, mail) for name in ("Ann", "ann", "Bob", "Zoe") for mail in ("a@x", "A@x", "b@x", "z@x")]
        asked = "".join(f"{name} <{mail}>\n" for name, mail in people).encode()
        config = ("-c", f"mailmap.file={path}")
        expected = git("-C", self.directory.path, *config, "check-mailmap", "--stdin", stdin=asked).splitlines()
        mailmap = Mailmap(content.encode())
        shown = [mailmap.shown(name.encode(), mail.encode()) for name, mail in people]
        self.assertEqual([(name + b" " if name else b"") + b"<" + mail + b">" for name, mail in shown], expected)

    def test_nobody(self):
        """
        An empty mailmap is false, and changes nobody.
        """
        self.assertFalse(NONE)
        self.assertTrue(Mailmap(b"A <a@x>"))
        self.assertEqual(NONE.shown(b"A", b"a@x"), (b"A", b"a@x"))

    def test_bytes(self):
        """
        Names are bytes, and a line ends at a NUL.
        """
        mailmap = Mailmap(b"\xff <a@x>\nB <b@x>\0 <c@x>\n")
        self.assertEqual(mailmap.shown(b"A", b"a@x"), (b"\xff", b"a@x"))
        self.assertEqual(mailmap.shown(b"A", b"b@x"), (b"B", b"b@x"))
        self.assertEqual(mailmap.shown(b"A", b"c@x"), (b"A", b"c@x"))
