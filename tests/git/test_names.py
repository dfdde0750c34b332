"""
Tests for gitaly_tx.git.names.
"""

from __future__ import annotations

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.names import check_ref, is_branch_name, is_valid_ref, validate_revision
from tests.support.git import program

SPECIAL = [b" ", b"\t", b"\n", b"~", b"^", b":", b"?", b"*", b"[", b"\\", b"\x7f", b"\x01", b"@", b"{", b"@{"]
PLAIN = [b"a", b"heads", b"lock", b"-", b"HEAD", b"\xff", "ü".encode()]
PIECES = st.sampled_from([b"/", b"//", b".", b"..", b".lock", *SPECIAL, *PLAIN])


class RefNameTests(SynchronousTestCase):
    """
    Full names of refs.
    """

    def test_texts(self):
        """
        The first broken rule is told, in Gitaly's words and order. (47–56)
        """
        for name, text in {
            b"HEAD": "HEAD reference not allowed",
            b"config": "reference is not fully qualified",
            b"../config": "reference is not fully qualified",
            b"": "reference is not fully qualified",
            b"refs/": "refs/ is not a valid reference",
            b"refs/heads/": "reference must not end with slash",
            b"refs/heads/a.": "reference must not end with dot",
            b"refs/heads/a@{b": "reference must not contain @{",
            b"refs/heads/a..b": "reference must not contain double dots",
            b"refs/heads/a b": "reference must not contain space characters",
            b"refs/heads/a\n": "reference must not contain space characters",
            b"refs/heads/a~1": "reference must not contain special characters",
            b"refs/heads/a\x7f": "reference must not contain special characters",
            b"refs/heads/a\0": "reference must not contain control characters",
            b"refs/heads//a": "empty component is not allowed",
            b"refs/heads/.a": "component must not start with dot",
            b"refs/heads/a.lock": "component must not end with .lock",
            b"refs/heads/a.lock/b": "component must not end with .lock",
        }.items():
            with self.assertRaises(GitalyError) as raised:
                check_ref(name)
            self.assertEqual((raised.exception.message, raised.exception.code), (text, Code.INVALID_ARGUMENT))
            self.assertFalse(is_valid_ref(name))

    def test_good(self):
        """
        What git takes is taken, in any encoding.
        """
        for name in (b"refs/heads/main", b"refs/x", b"refs/heads/a./b", b"refs/heads/@", b"refs/heads/\xff", b"refs/heads/lock"):
            check_ref(name)
            self.assertTrue(is_valid_ref(name))

    @given(st.lists(PIECES, min_size=1, max_size=5).map(b"".join))
    @settings(max_examples=120, deadline=None, derandomize=True)
    def test_as_git(self, rest):
        """
        Both checks agree with one another and with git.
        """
        name = b"refs/" + rest
        ran = subprocess.run([program().path, "check-ref-format", name], check=False, capture_output=True)
        self.assertEqual(is_valid_ref(name), ran.returncode == 0, name)
        try:
            check_ref(name)
        except GitalyError:
            self.assertFalse(is_valid_ref(name), name)
        else:
            self.assertTrue(is_valid_ref(name), name)

    def test_branches(self):
        """
        A branch is not called HEAD, and does not look like an option.
        """
        for name, expected in (
            (b"main", True),
            (b"a/HEAD", True),
            (b"a-", True),
            (b"HEAD", False),
            (b"-a", False),
            (b"", False),
            (b"a..b", False),
            (b"../x", False),
        ):
            self.assertEqual(is_branch_name(name), expected, name)


class RevisionTests(SynchronousTestCase):
    """
    What may be handed to git as a revision.
    """

    def refusal(self, revision: bytes, **allowed: bool) -> str | None:
        try:
            validate_revision(revision, **allowed)
        except GitalyError as error:
            self.assertEqual(error.code, Code.INVALID_ARGUMENT)
            return error.message
        return None

    def test_texts(self):
        """
        The first broken rule is told, in Gitaly's words and order. (35–42)
        """
        for revision, text in {
            b"--output=/tmp/x": "revision can't start with '-'",
            b"-h\0": "revision can't start with '-'",
            b"a\0 b": "revision can't contain NUL",
            b"": "empty revision",
            b"a b": "revision can't contain whitespace",
            b"a\tb": "revision can't contain whitespace",
            b"a\nb:c": "revision can't contain whitespace",
            b"a\r": "revision can't contain whitespace",
            b"main:path\\": "revision can't contain ':'",
            b"main\\x": "revision can't contain '\\'",
        }.items():
            self.assertEqual(self.refusal(revision), text)
        for revision in (b"main", b"HEAD~3^2", b"v1@{2}", b"refs/heads/\xff"):
            self.assertIsNone(self.refusal(revision))

    def test_empty(self):
        """
        An empty one is taken where it may be empty.
        """
        self.assertIsNone(self.refusal(b"", allow_empty=True))

    def test_paths(self):
        """
        Where a path may follow, only what stands before it is checked.
        """
        self.assertIsNone(self.refusal(b"main:a b\\c:d", allow_path=True))
        self.assertEqual(self.refusal(b":a", allow_path=True), "empty revision")
        self.assertEqual(self.refusal(b"a b:c", allow_path=True), "revision can't contain whitespace")
        self.assertEqual(self.refusal(b"a:b\0", allow_path=True), "revision can't contain NUL")

    def test_pseudo(self):
        """
        Options that stand for revisions are taken where they may, and no others.
        """
        for revision in (b"--all", b"--not", b"--branches=a b", b"--tags", b"--glob=*"):
            self.assertIsNone(self.refusal(revision, allow_pseudo=True))
            self.assertEqual(self.refusal(revision), "revision can't start with '-'")
        for revision in (b"--glob", b"--exec=id", b"--allx"):
            self.assertEqual(self.refusal(revision, allow_pseudo=True), "revision can't start with '-'")
