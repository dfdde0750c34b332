"""
Commit and tag objects, as git and as nobody should write them.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.parse.commit import FALLBACK, LATEST, Person, RawCommit, RawTag, commit, person, signed_parts, subject, tag

TREE = b"4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class PersonTests(SynchronousTestCase):
    """
    ``person``
    """

    def test_lines(self):
        """
        A name, an address, a date and a zone, as far as they are there.
        """
        for line, expected in (
            (b"A U Thor <a@example.org> 1700000000 +0100", Person(b"A U Thor", b"a@example.org", 1700000000, b"+0100")),
            (b"A <> 0 -0000", Person(b"A", b"", 0, b"-0000")),
            (b" <a@x> 1 +0000", Person(b"", b"a@x", 1, b"+0000")),
            (b"A  <a@x> 1 +0000", Person(b"A ", b"a@x", 1, b"+0000")),
            (b"A", Person(b"A")),
            (b"A <a@x", Person(b"A")),
            (b"A <a@x>", Person(b"A", b"a@x")),
            (b"A <a@x> 7", Person(b"A", b"a@x", 7)),
            (b"A <a@x> 7 +0100 more", Person(b"A", b"a@x", 7)),
            (b"\xff <\xfe> 7 +0100", Person(b"\xff", b"\xfe", 7, b"+0100")),
        ):
            self.assertEqual(person(line), expected)

    def test_dates(self):
        """
        A date that cannot be is replaced by one that stands for that.
        """
        for date, seconds in (
            (b"%d" % LATEST, LATEST),
            (b"%d" % (LATEST + 1), FALLBACK),
            (b"-1", FALLBACK),
            (b"soon", FALLBACK),
            (b"9" * 40, FALLBACK),
            (b"0x10", FALLBACK),
        ):
            self.assertEqual(person(b"A <a@x> %b +0000" % date).seconds, seconds)


class CommitTests(SynchronousTestCase):
    """
    ``commit``
    """

    def test_whole(self):
        """
        All headers are found, in any number; lines that continue one are not taken for headers.
        """
        data = (
            b"tree %b\nparent %b\nparent %b\nauthor A <a@x> 1 +0000\ncommitter C <c@x> 2 +0100\nencoding ISO-8859-1\n"
            b"mergetag object %b\n type commit\n tree nonsense\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n\nmessage\n\nbody\n"
        ) % (TREE, b"1" * 40, b"2" * 40, b"3" * 40)
        self.assertEqual(
            commit(data),
            RawCommit(
                TREE,
                (b"1" * 40, b"2" * 40),
                Person(b"A", b"a@x", 1, b"+0000"),
                Person(b"C", b"c@x", 2, b"+0100"),
                b"ISO-8859-1",
                b"-----BEGIN PGP SIGNATURE-----",
                b"message\n\nbody\n",
            ),
        )

    def test_parts_missing(self):
        """
        What is missing is empty.
        """
        for data, expected in (
            (b"", RawCommit()),
            (b"tree x", RawCommit(b"x")),
            (b"tree x\n", RawCommit(b"x")),
            (b"tree x\n\n", RawCommit(b"x")),
            (b"\nmessage", RawCommit(message=b"message")),
            (b"tree x\ngpgsig-sha256 y\n\nm", RawCommit(b"x", signature=b"y", message=b"m")),
            (b"tree\nparent\n\nm", RawCommit(message=b"m")),
        ):
            self.assertEqual(commit(data), expected)

    @settings(max_examples=100)
    @given(st.binary())
    def test_junk(self, data: bytes):
        """
        Nothing is refused, and the message is the end of the object.
        """
        self.assertTrue(data.endswith(commit(data).message))
        self.assertTrue(data.endswith(tag(data).message))
        signed_parts(data)

    def test_subject(self):
        """
        The subject is the first line, whatever ends it.
        """
        for message, expected in ((b"", b""), (b"a\nb", b"a"), (b"a\r\nb", b"a"), (b"\na", b""), (b" a ", b" a ")):
            self.assertEqual(subject(message), expected)


class SignatureTests(SynchronousTestCase):
    """
    ``signed_parts``
    """

    def test_signature(self):
        """
        The header is taken out and its lines are put together again.
        """
        before, after = b"tree x\nauthor y\n", b"encoding z\n\nmessage\ngpgsig no\n"
        for name in (b"gpgsig", b"gpgsig-sha256"):
            self.assertEqual(signed_parts(before + name + b" a\n  b\n \n c\n" + after), (b"a\n b\n\nc", before + after))
        self.assertEqual(signed_parts(before + b"gpgsig a\n\nm"), (b"a", before + b"\nm"))

    def test_none(self):
        """
        A message that looks like the header is no signature.
        """
        for data in (b"tree x\n\ngpgsig a\n", b"tree x\nmergetag a\n gpgsig b\n\nm", b"tree x\nxgpgsig a\n\n"):
            self.assertIsNone(signed_parts(data))


class TagTests(SynchronousTestCase):
    """
    ``tag``
    """

    def test_tags(self):
        """
        With and without a tagger.
        """
        self.assertEqual(
            tag(b"object x\ntype commit\ntag v1\ntagger T <t@x> 1 +0000\n\nm\n"),
            RawTag(b"x", b"commit", b"v1", Person(b"T", b"t@x", 1, b"+0000"), b"m\n"),
        )
        self.assertEqual(tag(b"object x\ntype commit\ntag v1"), RawTag(b"x", b"commit", b"v1"))
