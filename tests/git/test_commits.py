"""
Tests for :mod:`gitaly_tx.git.commits`.
"""

from __future__ import annotations

import os
import subprocess

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.commits import Ident, NewCommit, in_utf8, with_signature, write_commit
from gitaly_tx.git.objectid import ObjectFormat, ObjectID
from tests.support.git import git, make_repository, program

SOMEBODY = Ident(b"Some Body", b"some@example.org", 1700000000, b"+0530")
TREE = ObjectID("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
ONE, TWO = ObjectID(b"1" * 40), ObjectID(b"2" * 40)


class IdentTests(SynchronousTestCase):
    """
    ``Ident``.
    """

    def test_clean(self):
        """
        What git cuts off both ends is cut off; what would end the name or the address is taken out.
        """
        for name, shown in (
            (b"A B", b"A B"),
            (b' .,:;<>"\\\'\t\x01A"B\x1f.', b'A"B'),
            (b"A<B>\nC", b"ABC"),
            (b"J\xc3\xb6rg", b"J\xc3\xb6rg"),
        ):
            self.assertEqual(Ident(name, name, 5).line(), shown + b" <" + shown + b"> 5 +0000")
        self.assertEqual(Ident(b"A", b"", 5, b"-0330").line(), b"A <> 5 -0330")

    def test_refused(self):
        """
        A name of which nothing is left, a NUL, and times that git cannot tell are refused.
        """
        for ident, code, message in (
            (Ident(b" .;", b"a", 5), None, "name consists only of disallowed characters"),
            (Ident(b"", b"a", 5), None, "name consists only of disallowed characters"),
            (Ident(b"a\0b", b"a", 5), Code.INVALID_ARGUMENT, "identity contains NUL byte"),
            (Ident(b"a", b"\0", 5), Code.INVALID_ARGUMENT, "identity contains NUL byte"),
            (Ident(b"a", b"a", -1), None, "invalid date"),
            (Ident(b"a", b"a", 253402300800), None, "invalid date"),
        ):
            with self.subTest(ident=ident):
                error = self.assertRaises(GitalyError, ident.line)
                self.assertEqual((error.given_code, error.message), (code, message))


class NewCommitTests(SynchronousTestCase):
    """
    ``NewCommit``.
    """

    def test_content(self):
        """
        A parent stands once, the message as it is.
        """
        commit = NewCommit(TREE, [ONE, TWO, ONE], SOMEBODY, Ident(b"C", b"c@x", 5), b"\n message ")
        self.assertEqual(
            commit.content(),
            b"tree " + TREE + b"\nparent " + ONE + b"\nparent " + TWO + b"\n"
            b"author Some Body <some@example.org> 1700000000 +0530\ncommitter C <c@x> 5 +0000\n\n\n message ",
        )

    def test_refused(self):
        """
        Nobody's commits, and messages with a NUL, are refused.
        """
        nobody = Ident(b"", b"", 5)
        for author, committer, message, text in (
            (nobody, nobody, b"", "missing author name"),
            (SOMEBODY, nobody, b"", "missing committer name"),
            (SOMEBODY, SOMEBODY, b"a\0b", "a NUL byte in commit log message not allowed"),
        ):
            error = self.assertRaises(GitalyError, NewCommit(TREE, [], author, committer, message).content)
            self.assertEqual((error.given_code, error.message), (None, text))

    def test_as_git(self):
        """
        git makes the same commit of the same things.
        """
        directory = make_repository(self.mktemp(), 2)
        tree = ObjectID(git("-C", directory.path, "rev-parse", "main^{tree}").strip())
        parents = [ObjectID(line) for line in git("-C", directory.path, "rev-list", "main").split()]
        for name, message in (
            (b"Some Body", b"subject\n\nbody\n"),
            # (Dots in front stay with newer gits: those are told apart in another test.)
            (b" ,Some, Body;", b"no newline"),
            (b"S\xc3\xb6me", b""),
            (
                b"S\xf6me",
                b"L\xe4 \xed\xa0\x80 \xef\xbf\xbf \xef\xb7\x90 \xf0\x9f\xbf\xbe \xf0\x9f\x98\x80 \xe4\xbd\xa0 \xf4\x90\x80\x80",
            ),
        ):
            author = Ident(name, b"<a@example.org>", 1700000000, b"+0530")
            committer = Ident(b"C", name, 1800000000, b"-0800")
            content = NewCommit(tree, parents, author, committer, message).content()
            made = subprocess.run(
                [program().path, "-C", directory.path, "commit-tree", "-F", "-"]
                + [word for parent in [*parents, parents[0]] for word in ("-p", str(parent))]
                + [str(tree)],
                input=message,
                capture_output=True,
                check=True,
                env={
                    b"PATH": os.environb[b"PATH"],
                    b"GIT_AUTHOR_NAME": author.name,
                    b"GIT_AUTHOR_EMAIL": author.email,
                    b"GIT_AUTHOR_DATE": b"1700000000 +0530",
                    b"GIT_COMMITTER_NAME": committer.name,
                    b"GIT_COMMITTER_EMAIL": committer.email,
                    b"GIT_COMMITTER_DATE": b"1800000000 -0800",
                },
            ).stdout.strip()
            self.assertEqual(git("-C", directory.path, "cat-file", "commit", made.decode()), content)


class WriteCommitTests(SynchronousTestCase):
    """
    ``write_commit``.
    """

    def write(self, tree: ObjectID, signed: bool) -> tuple[bytes, list[bytes]]:
        """
        :returns: the commit, and what there was to sign.
        """
        made: list[tuple[bytes, bytes]] = []
        seen: list[bytes] = []

        async def write(type: bytes, data: bytes) -> ObjectID:
            made.append((type, data))
            return ONE

        async def sign(content: bytes) -> bytes:
            seen.append(content)
            return b"-----BEGIN\n\nabc\n-----END\n"

        commit = NewCommit(tree, [], SOMEBODY, SOMEBODY, b"subject\n\nbody")
        writing = Deferred.fromCoroutine(write_commit(write, commit, sign if signed else None))
        self.assertEqual(self.successResultOf(writing), ONE)
        ((type, data),) = made
        self.assertEqual(type, b"commit")
        return data, seen

    def test_unsigned(self):
        """
        Without a signer a commit has no signature.
        """
        data, seen = self.write(TREE, False)
        self.assertEqual(seen, [])
        self.assertNotIn(b"gpgsig", data)

    def test_signed(self):
        """
        The signature is the last header, which in a SHA-256 repository has another name.
        """
        for tree, header in ((TREE, b"gpgsig"), (ObjectID(b"1" * 64), b"gpgsig-sha256")):
            plain, _ = self.write(tree, False)
            data, (content,) = self.write(tree, True)
            self.assertEqual(content, plain)
            self.assertEqual(
                data,
                plain.replace(b"\n\nsubject", b"\n" + header + b" -----BEGIN\n \n abc\n -----END\n\nsubject"),
            )

    def test_git_reads_it(self):
        """
        git finds the signature where it belongs.
        """
        directory = make_repository(self.mktemp())
        signed = with_signature(NewCommit(TREE, [], SOMEBODY, SOMEBODY, b"x\n").content(), b"1\n2\n", ObjectFormat.SHA1)
        oid = git("-C", directory.path, "hash-object", "-t", "commit", "-w", "--stdin", stdin=signed).decode().strip()
        self.assertIn(b"\ngpgsig 1\n 2\n\n    x\n", git("-C", directory.path, "log", "--format=raw", oid))


class InUTF8Tests(SynchronousTestCase):
    """
    ``in_utf8``.
    """

    @given(st.binary())
    def test_utf8(self, text):
        """
        The result is UTF-8, and stays as it is.
        """
        fixed = in_utf8(text)
        fixed.decode("utf-8")
        self.assertEqual(in_utf8(fixed), fixed)

    def test_kept(self):
        """
        Text that is UTF-8 is not touched.
        """
        text = "aä你😀\ufdcf\ufdf0".encode()
        self.assertEqual(in_utf8(text), text)
