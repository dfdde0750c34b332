"""
What a config file should not hold.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.housekeeping.settings import cleaned

PLAIN = b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n"


class CleanedTests(SynchronousTestCase):
    """
    ``cleaned``
    """

    def test_unwanted(self) -> None:
        """
        Passwords and what only slows down are gone, with the sections that held nothing else.
        """
        for added in (
            b'[http "http://localhost:51744/a.git"]\n\textraHeader = Authorization: Basic secret\n',
            b'[HTTP "x"]\nEXTRAHEADER = a\\\n  b\n\textraheader=c\n',
            b'[remote "origin"]\n\turl = http://x\n\tfetch = +refs/*:refs/*\n\tmirror\n\tprune = true\n',
            b"[empty]\n",
            b'[http "a\\"]b"]\n\textraHeader = x\n',
        ):
            for content in (PLAIN + added, added + PLAIN):
                self.assertEqual(cleaned(content), PLAIN, added)
        self.assertEqual(cleaned(b"[core]\n\tcommitGraph = 1\n\tbare = true\n\tsplitIndex=1\n"), b"[core]\n\tbare = true\n")
        self.assertEqual(cleaned(b"[core]\n\tcommitGraph = 1"), b"")
        self.assertEqual(cleaned(b"[core]\r\n\tcommitGraph = 1\r\n\tbare\r\n"), b"[core]\r\n\tbare\r\n")

    def test_kept(self) -> None:
        """
        Everything else stays as it is written, comments too, and what is written in an unusual way.
        """
        for content in (
            b"",
            PLAIN,
            b"# a comment\n" + PLAIN + b"\n\n",
            b'[remote "origin"]\n\tpushurl = x\n',
            b"[http]\n\textraHeader = for everybody\n",
            b'[alias "http.x"]\n\textraHeader = y\n',
            b"[section]\n\t# nothing but a comment\n",
            b'[http "x"] extraHeader = y\n\textraHeader = z\n',
            b"\textraHeader = outside\n",
            b'[a]\n\tb = "quoted\\\n[http]\\\n\textraHeader = "\n',
            b"[a]\n\tb = c\\\\\n[d]\n\te = f\n",
            b"\0\xff[broken\n",
        ):
            self.assertEqual(cleaned(content), content)
