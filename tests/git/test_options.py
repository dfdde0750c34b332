"""
Tests for :mod:`gitaly_tx.git.options`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.errors import Code, GitalyError
from gitaly_tx.git.options import ConfigPair, Flag, Revision, StandardOutput, ValueFlag, positional, whole


class OptionTests(SynchronousTestCase):
    """
    What a caller sends cannot become an option.
    """

    def test_flags(self):
        """
        A flag is one word that begins with one or two dashes; after its ``=`` may stand anything, newlines too.
        """
        for word in (b"-d", b"--all", b"--depth=3", b"--format=%H\n%x00", b"--a-b=", b"-n1"):
            self.assertEqual(list(Flag(word).words()), [word])

    def test_no_flags(self):
        """
        What git would not take for one option is refused.
        """
        for word in (b"", b"-", b"--", b"---x", b"x", b"--a b", b"--=x", b"--a\n", b"--a=b\0c", b"--f\xffoo", b"-\n"):
            refused = self.assertRaises(GitalyError, Flag, word)
            self.assertIn("failed regex validation: invalid argument", refused.message)

    def test_flag_of_text(self):
        """
        Text is taken as UTF-8, and bytes that came in as surrogates come out as they were.
        """
        self.assertEqual(Flag("--grep=\u00e9\udcff").name, b"--grep=\xc3\xa9\xff")

    def test_standard_output(self):
        """
        A dash stands for standard output only where that was meant.
        """
        self.assertEqual(list(StandardOutput().words()), [b"-"])

    def test_value_flags(self):
        """
        The value of a flag may begin with a dash: git takes the second word as it is.
        """
        self.assertEqual(list(ValueFlag("--prefix", "--evil").words()), [b"--prefix", b"--evil"])

    def test_no_value_flags(self):
        """
        A value flag has no value in its first word, and no NUL anywhere.
        """
        for name, value in (("--a=b", "c"), ("x", "y"), ("--a", "b\0")):
            self.assertRaises(GitalyError, ValueFlag, name, value)

    def test_config(self):
        """
        A setting is one ``-c`` word after another.
        """
        pair = ConfigPair("remote.a/b.c d.url", "x=y\nz")
        self.assertEqual(list(pair.words()), [b"-c", b"remote.a/b.c d.url=x=y\nz"])

    def test_no_config(self):
        """
        A name that git would split elsewhere, or not take for a name, is refused.
        """
        for key in ("", "a", "a.", ".a", "a.b=c.d", "a.b\n.c", "a.b.c\n", "a b.c", "-a.b", "a.b_c", "a.-b", "a.b.\0"):
            refused = self.assertRaises(GitalyError, ConfigPair, key, "x")
            self.assertIn("failed regexp validation: invalid argument", refused.message)
        self.assertRaises(GitalyError, ConfigPair, "a.b", "x\0y")

    def test_positional(self):
        """
        A positional argument does not begin with a dash; the error quotes it as Gitaly does, and leaves the code to the caller.
        """
        self.assertEqual(positional("main"), b"main")
        refused = self.assertRaises(GitalyError, positional, "--output=/x\n")
        self.assertEqual(refused.message, "positional arg \"--output=/x\\n\" cannot start with dash '-': invalid argument")
        self.assertIs(refused.given_code, None)
        self.assertIs(refused.wrapped("cmd", Code.INVALID_ARGUMENT).code, Code.INVALID_ARGUMENT)

    def test_revision(self):
        """
        A revision among options is refused like any positional argument.
        """
        self.assertEqual(list(Revision("a..b").words()), [b"a..b"])
        for wrong in ("-x", "--all", "a\0b"):
            self.assertRaises(GitalyError, Revision, wrong)

    def test_nul(self):
        """
        No argument holds a NUL, at which the kernel would cut it.
        """
        self.assertRaises(GitalyError, positional, b"a\0b")
        self.assertRaises(GitalyError, whole, b"-a\0b")
        self.assertEqual(whole("-a"), b"-a")
