"""
Tests for :mod:`tests.wording`.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.wording import Difference, Exemption, listed, reading, section, unexplained

EXEMPTION = Exemption("RefService/RefExists", "exit status [1]: *", "exit status 2", "Because.")


class WordingTests(SynchronousTestCase):
    """
    What may differ.
    """

    def test_covered(self) -> None:
        """
        An exemption is about a method and two texts; brackets are brackets.
        """
        fine = Difference("RefService/RefExists", "exit status [1]: git's words", "exit status 2")
        others = [
            Difference("RefService/ListRefs", fine.theirs, fine.ours),
            Difference(fine.method, "exit status 1: git's words", fine.ours),
            Difference(fine.method, fine.theirs, "exit status 3"),
        ]
        self.assertEqual(unexplained([fine, *others], [EXEMPTION]), others)

    def test_section(self) -> None:
        """
        The page says what differs and why; nothing, if nothing does.
        """
        self.assertEqual(section([]), "")
        page = section([EXEMPTION, Exemption("A/B", "a|b", "c\nd", "So.")])
        self.assertIn(
            "| A/B | `a\\|b` | `c\\nd` | So. |\n| RefService/RefExists | `exit status [1]: *` | `exit status 2` |", page
        )

    def test_list(self) -> None:
        """
        Each entry of the list has a reason, and is about a method that there is.
        """
        for each in listed():
            self.assertTrue(each.why.endswith("."), each)
            self.assertRegex(each.method, r"\A(\*|\w+/\w+)\Z")
        path = Path(self.mktemp())
        path.write_text('[[wording]]\nmethod = "*"\ntheirs = "a"\nours = "b"\n')
        with self.assertRaises(KeyError):
            listed(path)

    def test_reading(self) -> None:
        """
        Methods that read are held to the recordings.
        """
        methods = reading()
        self.assertIn("RefService/RefExists", methods)
        self.assertNotIn("RepositoryService/WriteRef", methods)
