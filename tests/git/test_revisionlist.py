"""
Tests for :mod:`gitaly_tx.git.revisionlist`.
"""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.revisionlist import MAXIMUM, RevisionList, revision_list
from tests.support.git import git, make_repository


class RevisionListTests(SynchronousTestCase):
    """
    ``revision_list``
    """

    def words(self, found: RevisionList) -> list[bytes]:
        return [word for option in found.options for word in option.words()]

    def test_divided(self) -> None:
        """
        Pseudo-revisions go to the command line, with their sign, and everything else to standard input.
        """
        for given_words, options, stdin in (
            ([b"main", b"^dev"], [], b"main\n^dev\n"),
            ([b"--all", b"--not", b"dev"], [b"--all"], b"^dev\n"),
            ([b"main", b"--not", b"--tags=v*"], [b"--not", b"--tags=v*", b"--not"], b"main\n"),
            ([b"--not", b"a", b"--not", b"b"], [], b"^a\nb\n"),
            ([b"--not", b"^a", b"b..c", b"--not", b"d"], [b"--not", b"^a", b"b..c", b"--not"], b"d\n"),
        ):
            found = revision_list(given_words)
            self.assertEqual((self.words(found), found.stdin), (options, stdin))

    def test_refused(self) -> None:
        """
        Other options are refused, and too many revisions.
        """
        for words, code in (([b"--exec=id"], Code.INVALID_ARGUMENT), ([b"a" * MAXIMUM], Code.RESOURCE_EXHAUSTED)):
            self.assertEqual(self.assertRaises(GitalyError, revision_list, words).code, code)

    def test_same_as_git(self) -> None:
        """
        git walks the same objects as with all of it on its command line.
        """
        directory = make_repository(os.path.abspath(self.mktemp()), 4)
        for number in range(3):
            git("-C", directory.path, "update-ref", f"refs/heads/b{number}", f"main~{number}")
        revisions = ["main", "b1", "^b2", "b2..b1", "b0...b2", "--all", "--branches=b*", "--glob=refs/heads/b2", "--not"]

        @settings(max_examples=40, deadline=None)
        @given(st.lists(st.sampled_from(revisions), max_size=5))
        def check(words: list[str]) -> None:
            found = revision_list(word.encode() for word in words)
            ours = git("-C", directory.path, "rev-list", *(w.decode() for w in self.words(found)), "--stdin", stdin=found.stdin)
            theirs = git("-C", directory.path, "rev-list", *words, "--stdin")
            self.assertEqual(ours, theirs)

        check()
