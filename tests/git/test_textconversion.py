"""
Tests for :mod:`gitaly_tx.git.textconversion`.
"""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gitaly_tx.git.parse.attributes import State
from gitaly_tx.git.textconversion import Conversion, Ends, Statistics, conversion, convert, converted, may_change
from tests.support.git import git, make_repository

CONTENTS = (
    b"",
    b"a\n",
    b"a\r\nb\r\n",
    b"a\r\nb\n\r",
    b"a\r\r\nb",
    b"a\r\n\0",
    b"a\r\n\x01",
    b"a" * 127 + b"\r\n\x01",
    b"a" * 128 + b"\r\n\x01",
    b"a" * 128 + b"\r\n\x01\x7f",
    b"a" * 128 + b"\r\n\x01\x1a",
    b"\b\t\x1b\f\r\n",
    b"\xff\xfe\r\n",
    b"$Id: x $\r\n$Id$ $Id: a\nb $ $Id:$ $Id: open",
)

ATTRIBUTES: tuple[tuple[str, dict[bytes, State]], ...] = (
    ("", {}),
    ("text", {b"text": True}),
    ("-text", {b"text": False}),
    ("!text", {}),
    ("text=auto", {b"text": b"auto"}),
    ("text=input", {b"text": b"input"}),
    ("text=odd", {b"text": b"odd"}),
    ("crlf", {b"crlf": True}),
    ("-crlf", {b"crlf": False}),
    ("-text crlf", {b"text": False, b"crlf": True}),
    ("eol=lf", {b"eol": b"lf"}),
    ("eol=crlf", {b"eol": b"crlf"}),
    ("text=auto eol=crlf", {b"text": b"auto", b"eol": b"crlf"}),
    ("-text eol=lf", {b"text": False, b"eol": b"lf"}),
    ("ident", {b"ident": True}),
    ("-ident", {b"ident": False}),
)

PIECES = (b"\r", b"\n", b"a", b"$Id: a$", b"\0", b"\x1a")


class ConvertTests(SynchronousTestCase):
    """
    ``conversion`` and ``convert``.
    """

    def test_as_git(self) -> None:
        """
        For every rule and content, what is made of it is what ``git hash-object --path`` makes of it.
        """
        path = make_repository(self.mktemp()).path
        os.makedirs(os.path.join(path, "info"), exist_ok=True)
        with open(os.path.join(path, "info", "attributes"), "w") as file:
            file.writelines(f"file-{number} {line}\n" for number, (line, _) in enumerate(ATTRIBUTES))
        for number, (line, states) in enumerate(ATTRIBUTES):
            for content in CONTENTS:
                if content in CONTENTS[:2] and number:
                    continue
                words = ("-C", path, "-c", "core.autocrlf=input", "hash-object", "-w", "--stdin", f"--path=file-{number}")
                oid = git(*words, stdin=content).strip().decode()
                with self.subTest(line=line, content=content):
                    self.assertEqual(convert(content, conversion(states)), git("-C", path, "cat-file", "blob", oid))

    @given(
        st.lists(st.sampled_from([b"\r", b"\n", b"a", b"$Id: a$", b"\0", b"\x1a"])), st.sampled_from(list(Ends)), st.booleans()
    )
    def test_pieces(self, pieces: list[bytes], ends: Ends, ident: bool) -> None:
        """
        However a content is cut, the same is made of it, and its size is known beforehand.
        """
        whole = Statistics()
        whole.feed(b"".join(pieces))
        cut = Statistics()
        for piece in pieces:
            cut.feed(piece)
        taken_out = whole.taken_out(ends)
        self.assertEqual(cut.taken_out(ends), taken_out)
        made = b"".join(converted(pieces, taken_out, ident))
        self.assertEqual(made, convert(b"".join(pieces), Conversion(ends, ident)))
        if not ident:
            self.assertEqual(len(made), cut.size_without(taken_out))

    @given(st.binary())
    def test_may_change(self, content: bytes) -> None:
        """
        What may not change does not, whatever the rule.
        """
        if not may_change(content):
            for _, states in ATTRIBUTES:
                self.assertEqual(convert(content, conversion(states)), content)
