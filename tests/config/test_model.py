"""
Tests for :mod:`gitaly_tx.config.model` and the file that shows it, ``etc/gitaly.toml.example``.
"""

from __future__ import annotations

import os
import re
import tomllib
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.config.kinds import TableKind, keys
from gitaly_tx.config.lines import Lines
from gitaly_tx.config.load import parse
from gitaly_tx.config.model import Config
from gitaly_tx.config.problems import Findings
from gitaly_tx.config.read import Reader

EXAMPLE = os.path.join(os.path.dirname(__file__), "..", "..", "etc", "gitaly.toml.example")


def every_key(cls: type[attrs.AttrsInstance], at: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """
    The ways to all keys of a table and of the tables in it.
    """
    found = set()
    for name, (_, meaning) in keys(cls).items():
        found.add((*at, name))
        if isinstance(meaning.kind, TableKind):
            found |= every_key(meaning.kind.cls, (*at, name))
    return found


class ExampleTests(SynchronousTestCase):
    """
    The example is the reference: complete, and true.
    """

    def setUp(self) -> None:
        with open(EXAMPLE, encoding="utf-8") as file:
            self.text = file.read()
        self.uncommented = re.sub(r"^#(?=[^\s#])", "", self.text, flags=re.MULTILINE)

    def test_does_nothing(self) -> None:
        """
        As it is, the example configures nothing.
        """
        config = parse(self.text, None)
        self.assertEqual(config, parse("", None))

    def test_every_key(self) -> None:
        """
        Every key of the model is in the example, and every key of the example is in the model.
        """
        lines = Lines(self.uncommented)
        shown = {tuple(part for part in path if isinstance(part, str)) for path in lines.keys}
        self.assertEqual(shown, every_key(Config))

    def test_defaults(self) -> None:
        """
        The values of the example are the defaults, except in tables of which there can be several.
        """
        findings = Findings(Lines(self.uncommented))
        table = tomllib.loads(self.uncommented)
        read = Reader(os.getcwd(), findings, Config).read(Config, table)
        self.assertEqual(findings.sorted(), [])
        self._compare(read, Config(data_dir=os.path.abspath("gitaly-data")))

    def _compare(self, found: Any, default: Any) -> None:
        for _, (attribute, meaning) in keys(type(found)).items():
            one, other = getattr(found, attribute.name), getattr(default, attribute.name)
            if isinstance(meaning.kind, TableKind):
                if not meaning.kind.array:
                    self._compare(one, other)
            else:
                self.assertEqual(one, other, f"{type(found).__name__}.{attribute.name}")

    def test_each_has_a_sentence(self) -> None:
        """
        Every key stands below a comment.
        """
        before = ""
        for line in self.text.splitlines():
            if re.match(r"#[^\s#]", line):
                self.assertRegex(before, r"^# \S", line)
            before = line
        for name, (_, meaning) in keys(Config).items():
            self.assertTrue(meaning.doc.endswith("."), name)

    def test_the_small_team(self) -> None:
        """
        The configuration in the example's introduction is one that can be used.
        """
        start = self.text.index("#     anonymous_read")
        block = self.text[start : self.text.index("\n\n", start)]
        text = "\n".join(line[1:].strip() for line in block.splitlines())
        text = text.replace('keys = ["alpha.pub"]', 'tokens = ["sha256:' + "0" * 64 + '"]')
        config = parse(text, None)
        self.assertEqual(config.warnings, ())
        self.assertEqual([user.name for user in config.users], ["alpha"])
