"""
Walks over trees, beside ``git ls-tree``.
"""

from __future__ import annotations

import os
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.errors import ObjectCorrupt, ObjectNotFound
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.git.objectstore import ObjectStore
from gitaly_tx.git.treewalk import Found, TreeWalk
from tests.support.git import git, make_repository

NAMES = st.sampled_from([b"a", b"a.b", b"a-", b"b", b"\xc3\xbc", b"\xff", b" ", b"\n", b'"'])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(b"/".join)
MODES = st.sampled_from([b"100644", b"100755", b"120000", b"160000"])


class TreeWalkTests(SynchronousTestCase):
    """
    ``TreeWalk``
    """

    def setUp(self) -> None:
        self.directories = {
            length: make_repository(os.path.abspath(self.mktemp()), object_format=object_format)
            for length, object_format in ((40, "sha1"), (64, "sha256"))
        }
        self.directory = self.directories[40]
        self.store = ObjectStore()

    def git(self, *words: str, stdin: bytes = b"") -> bytes:
        """
        Run git in the repository.
        """
        return git("-C", self.directory.path, *words, stdin=stdin)

    def walked(self, tree: bytes, count: int) -> list[Found]:
        """
        All entries, some at a time.
        """
        walk, found = TreeWalk(ObjectID(tree)), []
        while several := self.store.look(self.directory, partial(walk.take, count=count)):
            self.assertLessEqual(len(several), count)
            found.extend(several)
        return found

    @settings(max_examples=20, deadline=None)
    @given(st.dictionaries(PATHS, MODES, max_size=12), st.integers(1, 5), st.sampled_from([40, 64]))
    def test_like_git(self, files: dict[bytes, bytes], count: int, length: int):
        """
        Whatever the names are and however many are taken at a time, the entries are git's, in git's order.
        """
        self.directory = self.directories[length]
        stream = b"blob\nmark :1\ndata 0\n\ncommit refs/heads/main\ncommitter C <c@x> 1 +0000\ndata 0\ndeleteall\n"
        for path, mode in files.items():
            quoted = b'"' + b"".join(b"\\%03o" % byte for byte in path) + b'"'
            stream += b"M %b %b %b\n" % (mode, b"1" * length if mode == b"160000" else b":1", quoted)
        self.git("fast-import", "--quiet", "--force", stdin=stream)
        tree = self.git("rev-parse", "main^{tree}").strip()
        lines = [b"%06o %b %b\t%b" % (entry.mode, entry.type, entry.oid, path) for path, entry in self.walked(tree, count)]
        self.assertEqual(lines, self.git("ls-tree", "-r", "-t", "-z", tree.decode()).split(b"\0")[:-1])

    def test_missing(self):
        """
        A tree that is missing, and one that is none, end the walk.
        """
        blob = self.git("hash-object", "-w", "--stdin").strip()
        gone = b"12" * (len(blob) // 2)
        for inner, error in ((gone, ObjectNotFound), (blob, ObjectCorrupt)):
            tree = ObjectID(self.store_tree(inner))
            with self.assertRaises(error):
                self.walked(tree, 9)

    def store_tree(self, inner: bytes) -> bytes:
        """
        A tree with a directory.
        """
        content = b"40000 d\0" + bytes.fromhex(inner.decode())
        return self.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=content).strip()
