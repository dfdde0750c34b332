"""
Tests for :mod:`gitaly_tx.git.dotgit`.
"""

from __future__ import annotations

import re
import subprocess

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.dotgit import is_dotgit
from tests.support.git import git, make_repository, program

BAD = (
    b".git", b".GIT", b".Git", b"git~1", b"GIT~1", b".git ", b".git.", b".git . .", b"GIT~1.", b".git:x", b".git\\x", b"a\\.git",
    b"a\\GIT~1\\b", b".git::$INDEX_ALLOCATION",
    ".g\u200cit".encode(), "\ufeff.git".encode(), ".GI\u206fT".encode(), ".git\u202e".encode(),
)  # fmt: skip

GOOD = (
    b"git", b".gitx", b".gitignore", b"git~2", b"xgit~1", b". git", b"a.git", b".git-x",
    b".g\xffit", ".git\u00e9".encode(), b".gi",
)  # fmt: skip


class DotGitTests(SynchronousTestCase):
    """
    ``is_dotgit``.
    """

    def test_as_fsck(self) -> None:
        """
        Exactly the names that ``git fsck`` warns of are refused.
        """
        for name in BAD:
            self.assertTrue(is_dotgit(name), name)
        for name in GOOD:
            self.assertFalse(is_dotgit(name), name)
        path = make_repository(self.mktemp()).path
        blob = git("-C", path, "hash-object", "-w", "--stdin", stdin=b"x").strip().decode()
        trees = {}
        for name in (*BAD, *GOOD):
            tree = b"100644 %b\0%b" % (name, bytes.fromhex(blob))
            oid = git("-C", path, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=tree)
            trees[oid.strip()] = name
        ran = subprocess.run([program().path, "-C", path, "fsck", "--strict"], capture_output=True, check=False)
        warned = {trees[found] for found in re.findall(rb"in tree ([0-9a-f]+): hasDotgit", ran.stderr)}
        self.assertEqual(warned, set(BAD))
