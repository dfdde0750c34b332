"""
Tests for :mod:`gitaly_tx.git.tags`.
"""

from __future__ import annotations

import subprocess

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import GitalyError
from gitaly_tx.git.commits import Ident
from gitaly_tx.git.errors import ObjectCorrupt
from gitaly_tx.git.objectid import ObjectID
from gitaly_tx.git.tags import tag_content, tagged
from tests.support.git import git, make_repository, program

ONE, TWO = ObjectID(b"1" * 40), ObjectID(b"2" * 40)


class TaggedTests(SynchronousTestCase):
    """
    ``tagged``.
    """

    def test_tagged(self):
        """
        The first header is the target; what is no tag is corrupt.
        """
        content = tag_content(ONE, b"commit", b"v1", Ident(b"A", b"a@example.org", 5), b"m")
        self.assertEqual(tagged(TWO, content), ONE)
        self.assertRaises(ObjectCorrupt, tagged, TWO, content.replace(b"type commit", b"type thing"))


class TagContentTests(SynchronousTestCase):
    """
    ``tag_content``.
    """

    def test_as_mktag(self):
        """
        What ``git mktag`` takes is made, byte by byte, and what it refuses is refused.
        """
        path = make_repository(self.mktemp()).path
        blob = ObjectID(git("-C", path, "hash-object", "-w", "--stdin", stdin=b"x").strip())
        somebody = Ident(b"A U Thor", b"a@example.org", 1700000000, b"+0530")
        made = 0
        for name, tagger, message in (
            (b"v1", somebody, b"message"),
            (b"v1", somebody, b"message\n\nmore\n"),
            (b"refs/tags/v1", Ident(b"", b"", 0), b" "),
            (b"a\xff", Ident(b".J\xf6rg\x01", b"a b", 253402300799, b"+0019"), b"\xff"),
            (b"v1.lock", somebody, b"m"),
            (b"a..b", somebody, b"m"),
            (b"a/", somebody, b"m"),
            (b".a", somebody, b"m"),
            (b"a~", somebody, b"m"),
            (b"a\x01", somebody, b"m"),
            (b"v1", Ident(b"nu\0l", b"a", 0), b"m"),
            (b"v1", Ident(b"a", b"nu\0l", 0), b"m"),
        ):
            with self.subTest(name=name, tagger=tagger):
                who = b"%b <%b> %d %b" % (tagger.name, tagger.email, tagger.seconds, tagger.zone)
                content = b"object %b\ntype blob\ntag %b\ntagger %b\n\n%b" % (blob, name, who, message)
                ran = subprocess.run([program().path, "-C", path, "mktag"], input=content, capture_output=True, check=False)
                if ran.returncode:
                    self.assertRaises(GitalyError, tag_content, blob, b"blob", name, tagger, message)
                else:
                    made += 1
                    self.assertEqual(tag_content(blob, b"blob", name, tagger, message), content)
        self.assertEqual(made, 4)

    def test_newline(self):
        """
        A newline in a name cannot begin another header.
        """
        self.assertRaises(GitalyError, tag_content, ONE, b"blob", b"v1", Ident(b"a\nb", b"a", 0), b"m")
