"""
Tests for :mod:`gitaly_tx.backup.refsfile`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.backup.refsfile import BadRefs, Refs, decode, digest, encode
from gitaly_tx.git.interfaces import Reference
from gitaly_tx.git.objectid import ObjectFormat, ObjectID

A, B = ObjectID(b"a" * 40), ObjectID(b"b" * 40)
LONG = ObjectID(b"c" * 64)

LISTED = [Reference(b"refs/tags/t", B), Reference(b"refs/heads/\xff", A)]
TEXT = b"%s HEAD\n%s refs/heads/\xff\n%s refs/tags/t\n" % (A, A, B)


class RefsFileTests(SynchronousTestCase):
    """
    ``encode`` and ``decode``
    """

    def test_there_and_back(self) -> None:
        """
        HEAD comes first, then the refs in order; what is written is read.
        """
        refs, text = encode(LISTED, A)
        self.assertEqual(text, TEXT)
        self.assertEqual(decode(text), (refs, ObjectFormat.SHA1))
        self.assertEqual(decode(text, ObjectFormat.SHA1, digest(text))[0], Refs(A, {b"refs/heads/\xff": A, b"refs/tags/t": B}))
        self.assertTrue(refs)

    def test_nothing(self) -> None:
        """
        No refs are an empty file.
        """
        refs, text = encode([], None)
        self.assertEqual((bool(refs), text), (False, b""))
        self.assertEqual(decode(b""), (refs, ObjectFormat.SHA1))
        self.assertEqual(decode(b"", ObjectFormat.SHA256), (refs, ObjectFormat.SHA256))

    def test_long_ids(self) -> None:
        """
        The ids say how objects are named.
        """
        refs, text = encode([Reference(b"refs/heads/a", LONG)], None)
        self.assertEqual(decode(text), (refs, ObjectFormat.SHA256))

    def test_refused(self) -> None:
        """
        What no repository could have is refused, and so is what is not as it was noted.
        """
        for bad in (
            TEXT[:-1],
            TEXT[:50],
            TEXT + b"\n",
            TEXT + b"x\n",
            TEXT + b"%s HEAD\n" % A,
            TEXT + b"%s refs/tags/t\n" % A,
            TEXT + b"%s refs/tags/t/u\n" % A,
            TEXT + b"%s refs/heads\n" % A,
            TEXT + b"%s refs/heads/..\n" % A,
            TEXT + b"%s \n" % A,
            TEXT + b"%s refs/heads/x\n" % LONG,
            TEXT + b"%s refs/heads/x\n" % ObjectFormat.SHA1.zero,
            TEXT.replace(b"\n", b"\r\n"),
        ):
            self.assertRaises(BadRefs, decode, bad)
        self.assertRaises(BadRefs, decode, TEXT, ObjectFormat.SHA256)
        self.assertRaises(BadRefs, decode, TEXT.replace(b"b" * 40, b"d" * 40), None, digest(TEXT))
