"""
From clone URLs to paths.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.storage.resolve import candidates, checked, creation_path


class ResolveTests(SynchronousTestCase):
    """
    What a path may stand for.
    """

    def test_candidates(self):
        """
        The most literal reading comes first, then ``.git`` is added or taken away; none comes twice.
        """
        self.assertEqual(list(candidates("a/b")), ["a/b", "a/b.git", "a/b/.git"])
        self.assertEqual(list(candidates("b.git")), ["b.git", "b.git.git", "b.git/.git", "b", "b/.git"])
        self.assertEqual(list(candidates("b/.git")), ["b/.git", "b/.git.git", "b/.git/.git", "b", "b.git"])

    def test_creation(self):
        """
        What is made is a bare repository whose name ends in ``.git``.
        """
        for path in ("a/b", "a/b.git", "a/b/.git"):
            self.assertEqual(creation_path(path), "a/b.git")

    @settings(max_examples=200)
    @given(st.text(max_size=30) | st.lists(st.sampled_from(["a", "..", ".", "", ".git", "~", "b.git"]), max_size=5).map("/".join))
    def test_never_outside(self, path: str):
        """
        Every path is refused with INVALID_ARGUMENT, or all that it may stand for are normalised relative paths that lead down.
        """
        try:
            normal = checked(path)
        except GitalyError as error:
            self.assertEqual(error.code, Code.INVALID_ARGUMENT)
            return
        for candidate in (*candidates(normal), creation_path(normal)):
            self.assertNotIn("..", candidate.split("/"))
            self.assertNotIn("", candidate.split("/"))
            self.assertFalse(candidate.startswith("~"))
            candidate.encode("utf-8")
