"""
Tests for :mod:`gitaly_tx.config.problems`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.config.lines import Lines
from gitaly_tx.config.problems import ConfigError, Findings, Problem, dotted


class ProblemTests(SynchronousTestCase):
    """
    Problems are told on one line each.
    """

    def test_told(self) -> None:
        """
        File, line, key, words and cure are on the line, as far as they are known.
        """
        self.assertEqual(Problem(3, "a.b", "it is wrong", "mend it").told("x.toml"), "x.toml:3: a.b: it is wrong — mend it")
        self.assertEqual(Problem(0, "a.b", "it is wrong", "mend it").told("x.toml"), "x.toml: a.b: it is wrong — mend it")
        self.assertEqual(Problem(3, "", "it is wrong", "mend it").told(""), "it is wrong — mend it")
        self.assertEqual(Problem(3, "a", "odd", "look", fatal=False).told("x"), "x:3: warning: a: odd — look")

    def test_dotted(self) -> None:
        """
        A key is written as people write it.
        """
        self.assertEqual(dotted(("storage", 0, "path")), "storage[0].path")
        self.assertEqual(dotted(("a", "b", 1, 2)), "a.b[1][2]")
        self.assertEqual(dotted(()), "")

    def test_findings(self) -> None:
        """
        Problems come in the file's order; of a wrong key only the first is kept; warnings alone raise nothing.
        """
        findings = Findings(Lines("a = 1\nb = 2\n"))
        findings.warning(("b",), "w", "c")
        self.assertEqual(len(findings.raise_fatal("x")), 1)
        findings.error(("b",), "first", "c")
        findings.error(("b",), "second", "c")
        findings.error(("a",), "third", "c")
        with self.assertRaises(ConfigError) as caught:
            findings.raise_fatal("x")
        self.assertEqual([one.what for one in caught.exception.problems], ["third", "w", "first"])
        self.assertEqual(str(caught.exception), "x:1: a: third — c\nx:2: warning: b: w — c\nx:2: b: first — c")
