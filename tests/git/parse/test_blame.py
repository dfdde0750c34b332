"""
What ``git blame`` says when it fails.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.parse.blame import lines_there_are, names_no_path, unknown_line
from tests.support.git import git
from tests.support.readcase import ReadCase


class BlameTests(ReadCase):
    """
    Against real git, whose words are not promised.
    """

    def fill(self) -> None:
        """
        One file of one line.
        """
        stream = 'commit refs/heads/main\ncommitter C <c@x> 1 +0000\ndata 1\nx\nM 100644 inline "a b"\ndata 2\nx\n\n'
        self.import_stream(stream + "M 100644 inline many\ndata 4\nx\ny\n\n")

    def said(self, *words: str, stdin: bytes = b"") -> bytes:
        """
        What a failing blame says.
        """
        try:
            git("-C", self.directory.path, "blame", "-p", *words, stdin=stdin)
        except AssertionError as error:
            return str(error).partition(": 128: ")[2].encode()
        raise AssertionError("no failure")

    def test_no_path(self):
        """
        A path that is not there.
        """
        self.assertTrue(names_no_path(self.said("main", "--", "nope")))
        self.assertFalse(names_no_path(self.said("nope", "--", "many")))

    def test_range(self):
        """
        A range behind the end of the file, in the singular and in the plural.
        """
        self.assertEqual(lines_there_are(self.said("-L", "5,6", "main", "--", "a b")), 1)
        self.assertEqual(lines_there_are(self.said("-L", "5,6", "main", "--", "many")), 2)
        self.assertIsNone(lines_there_are(self.said("nope", "--", "many")))

    def test_ignored(self):
        """
        A line that is no id.
        """
        said = self.said("--ignore-revs-file=/dev/stdin", "main", "--", "many", stdin=b"# fine\n\nnot an id\n")
        self.assertEqual(unknown_line(said), b"not an id")
        self.assertIsNone(unknown_line(self.said("nope", "--", "many")))


class NothingTests(SynchronousTestCase):
    """
    Nothing said
    """

    def test_nothing(self):
        """
        Of nothing, nothing is known.
        """
        self.assertEqual((names_no_path(b""), lines_there_are(b""), unknown_line(b"")), (False, None, None))
