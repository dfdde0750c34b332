"""
Tests for :mod:`gitaly_tx.config.patterns`.
"""

from __future__ import annotations

import re
import time

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.config.patterns import parse_pattern


class PatternTests(SynchronousTestCase):
    """
    Patterns match whole paths, component by component.
    """

    def test_table(self) -> None:
        """
        Each pattern matches what it says, and nothing else.
        """
        table = {
            "**": (["a", "a/b", "a/b/c"], []),
            "*": (["a", "a.b"], ["a/b"]),
            "team/*": (["team/thing", "team/.x"], ["team", "team/a/b", "teams/x", "Team/thing", "x/team/thing"]),
            "team/**": (["team/a", "team/a/b"], ["team", "teams/a"]),
            "**/thing": (["thing", "a/thing", "a/b/thing"], ["a/thing/b", "athing"]),
            "a/**/z": (["a/z", "a/b/z", "a/b/c/z"], ["a", "z", "a/zz"]),
            "a/**/b/**/z": (["a/b/z", "a/1/b/2/3/z", "a/b/b/z"], ["a/z"]),
            "team/doc-*": (["team/doc-", "team/doc-1"], ["team/doc", "team/doc-1/x"]),
            "team/?": (["team/a"], ["team/ab", "team/"]),
            "a*b*c": (["abc", "axxbyyc", "abbc"], ["ab", "acb"]),
            "team/[ab]": (["team/[ab]"], ["team/a"]),
            "team/a.b": (["team/a.b"], ["team/axb"]),
        }
        for text, (yes, no) in table.items():
            pattern = parse_pattern(text)
            for path in yes:
                self.assertTrue(pattern.matches(path), (text, path))
            for path in no:
                self.assertFalse(pattern.matches(path), (text, path))

    def test_spellings(self) -> None:
        """
        A slash in front and ``.git`` behind do not count; the pattern is shown as it was written.
        """
        pattern = parse_pattern("/team/thing.git")
        self.assertTrue(pattern.matches("team/thing"))
        self.assertEqual(str(pattern), "/team/thing.git")

    def test_refused(self) -> None:
        """
        A pattern that can never match is a mistake.
        """
        for text in ("", "/", "a//b", "a/", "../a", "a/./b", "a**", "**b/c"):
            with self.assertRaises(ValueError, msg=text):
                parse_pattern(text)

    def test_hostile_path(self) -> None:
        """
        A long path that almost matches costs no more than a few milliseconds.
        """
        pattern = parse_pattern("**/a*a*a*a*a*a*b/**/c")
        path = "/".join(["a" * 200] * 20)
        began = time.process_time()
        self.assertFalse(pattern.matches(path))
        self.assertLess(time.process_time() - began, 5.0)

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(st.sampled_from(["a", "b", "*", "**", "a*", "?b"]), min_size=1, max_size=4),
        st.lists(st.text(alphabet="ab", min_size=1, max_size=2), min_size=1, max_size=4),
    )
    def test_like_the_obvious_expression(self, pattern: list[str], path: list[str]) -> None:
        """
        The result is that of the regular expression one would write.
        """
        expression = ""
        for number, part in enumerate(pattern):
            last = number == len(pattern) - 1
            if part == "**":
                expression += "[^/]+(?:/[^/]+)*" if last else "(?:[^/]+/)*"
            else:
                expression += part.replace("*", "[^/]*").replace("?", "[^/]") + ("" if last else "/")
        wanted = re.fullmatch(expression, "/".join(path)) is not None
        self.assertEqual(parse_pattern("/".join(pattern)).matches("/".join(path)), wanted)
