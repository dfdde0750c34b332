"""
Callers' regular expressions, with the meaning that they have in Go.

They are RE2's: what they cost grows with the text and never exponentially, whoever wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import re2
from attrs import frozen

from ...errors import Code, GitalyError

_MEMORY = 8 << 20
"""Bytes that one compiled expression may take."""

_GO_WORDS = (
    ("no argument for repetition operator", "missing argument to repetition operator"),
    ("bad repetition operator", "invalid nested repetition operator"),
    ("invalid repetition size", "invalid repeat count"),
    ("invalid perl operator", "invalid or unsupported Perl syntax"),
    ("invalid named capture group", "invalid named capture"),
    ("missing ]", "missing closing ]"),
    ("missing )", "missing closing )"),
    ("trailing \\", "trailing backslash at end of expression"),
    ("pattern too large - compile failed", "expression too large"),
)
"""What RE2 says and what Go's ``regexp`` says: the same mistakes in other words."""


@frozen
class Pattern:
    """
    A compiled expression.
    """

    _compiled: Any

    def select(self, names: Sequence[bytes]) -> list[bytes]:
        """
        Those in which the expression is found anywhere, in their order. It blocks for as long as that takes.
        """
        search = self._compiled.search
        return [name for name in names if search(name) is not None]


def compiled(expression: bytes) -> Pattern:
    """
    :raises GitalyError: INVALID_ARGUMENT, with what is wrong in Go's words.
    """
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        return Pattern(re2.compile(expression, options))
    except re2.error as error:
        said = error.args[0]
        wrong = in_go_words(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said))
        raise GitalyError(f"filter did not compile: error parsing regexp: {wrong}", Code.INVALID_ARGUMENT) from error


def in_go_words(said: str) -> str:
    """
    ``no argument for repetition operator: +`` is ``missing argument to repetition operator: `+```.
    """
    for theirs, gos in _GO_WORDS:
        if said.startswith(theirs):
            said = gos + said[len(theirs) :]
            break
    found = re.match(r"((?:missing closing [)\]]|unexpected \)|[^:]*)): (.*)\Z", said, re.DOTALL)
    return said if found is None else f"{found[1]}: `{found[2]}`"
