"""
Trailers, beside git's own reading of them.
"""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.parse.trailers import LONGEST_KEY, LONGEST_VALUE, MOST, shown, trailers
from tests.support.git import git, make_repository

LINES = st.sampled_from(
    [
        "",
        "",
        " ",
        "\t",
        "subject",
        "Signed-off-by: a <a@x>",
        "Signed-off-by:b",
        "(cherry picked from commit 123)",
        "Key: value",
        "Key : value ",
        "Key with words: value",
        "key:",
        ": nothing",
        "  continued",
        "\tcontinued: too",
        "no trailer here",
        "no trailer: here either",
        "# comment",
        "#comment: x",
        "Conflicts:",
        "\tsome/path",
        "# ------------------------ >8 ------------------------",
        "---",
        "ü: x",
    ]
)


class TrailersTests(SynchronousTestCase):
    """
    ``shown`` and ``trailers``
    """

    def setUp(self) -> None:
        self.directory = make_repository(os.path.abspath(self.mktemp()))

    @settings(max_examples=15, deadline=None)
    @given(st.lists(st.tuples(st.lists(LINES, max_size=9), st.booleans()), min_size=1, max_size=40))
    def test_like_git(self, messages: list[tuple[list[str], bool]]):
        """
        The same lines are trailers as for git, and they look the same.
        """
        texts = [("\n".join(lines) + "\n" * ended).encode() for lines, ended in messages]
        stream = b"reset refs/heads/main\n\n"
        for text in texts:
            stream += b"commit refs/heads/main\ncommitter C <c@x> 1 +0000\ndata %d\n%b\n" % (len(text), text)
        git("-C", self.directory.path, "fast-import", "--quiet", "--force", stdin=stream)
        format = "--format=tformat:%(trailers:unfold,separator=%x00)%x01"
        output = git("-C", self.directory.path, "log", "--reverse", format, "main").split(b"\x01\n")[:-1]
        for text, expected in zip(texts, output[-len(texts) :], strict=True):
            self.assertEqual(b"\0".join(shown(text)), expected, text)

    def test_pairs(self):
        """
        Keys and values are what stands before and after the first colon; what has none is left out.
        """
        message = b"s\n\nSigned-off-by: a: b\nno colon\n(cherry picked from commit 1)\nKey:\n  two\n  lines \n"
        self.assertEqual(trailers(message), [(b"Signed-off-by", b"a: b"), (b"Key", b"two lines")])

    def test_none(self):
        """
        A message of one paragraph has no trailers.
        """
        for message in (b"", b"\n", b"Key: value\n", b"s\n\ntext\n", b"s\n\nKey: v\n\ntext"):
            self.assertEqual(trailers(message), [])

    def test_limits(self):
        """
        The list ends at the first trailer that is too long, and after 64.
        """
        key, value = b"k" * LONGEST_KEY, b"v" * LONGEST_VALUE
        self.assertEqual(trailers(b"s\n\n%b: %b\n" % (key, value)), [(key, value)])
        self.assertEqual(trailers(b"s\n\na: b\nk%b: v\nc: d\n" % key), [(b"a", b"b")])
        self.assertEqual(trailers(b"s\n\na: b\nk: v%b\nc: d\n" % value), [(b"a", b"b")])
        self.assertEqual(len(trailers(b"s\n\n" + b"a: b\n" * 100)), MOST)

    def test_nul(self):
        """
        git sees nothing after a NUL.
        """
        self.assertEqual(trailers(b"s\n\na: b\0c\nd: e\n"), [(b"a", b"b")])
