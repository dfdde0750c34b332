"""
Attributes files (gitattributes(5)), read as git's ``attr.c`` reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from attrs import field, frozen

from ..wildmatch import SPECIAL, compiled
from .cquote import unquoted

LONGEST_LINE = 2048
"""Bytes; git passes over longer lines."""

LARGEST_FILE = 100 << 20
"""Bytes; git passes over larger files."""

_BLANK = b" \t\r\n"
_WORD = re.compile(rb"[^ \t\r\n]+")
_NAME = re.compile(rb"[A-Za-z0-9_.][-A-Za-z0-9_.]*\Z")
_MACRO = b"[attr]"
_BOM = b"\xef\xbb\xbf"

State = bool | bytes | None
"""What an attribute is: set, unset, a value, or ``None`` for explicitly unspecified."""


@frozen
class Assignment:
    """
    What a line says of one attribute.
    """

    name: bytes
    state: State


@frozen
class Macro:
    """
    A name for several attributes: to set it is to set these.
    """

    name: bytes
    assignments: tuple[Assignment, ...]


@frozen
class Rule:
    """
    What the paths that match a pattern have.

    :param pattern: without the slash at its end.
    :param directory: it matches directories only: paths that end in a slash.
    """

    pattern: bytes
    directory: bool
    assignments: tuple[Assignment, ...]
    _matches: Callable[[bytes, bytes], bool] = field(init=False, eq=False, repr=False)

    @_matches.default
    def _compile(self) -> Callable[[bytes, bytes], bool]:
        return _by_path(self.pattern) if b"/" in self.pattern else _by_basename(self.pattern)

    def match(self, path: bytes, base: bytes) -> bool:
        """
        :param path: relative to the root of the tree.
        :param base: the directory that the rule stands in, without slashes at its ends.
        """
        if path.endswith(b"/"):
            return self._matches(path[:-1], base)
        return not self.directory and self._matches(path, base)


def parse(content: bytes, *, macros: bool) -> Iterator[Rule | Macro]:
    """
    The lines of a file, in their order; those that git would not take are left out.

    :param macros: whether macros may be defined here: in the root's file, and outside of trees.
    """
    if len(content) >= LARGEST_FILE:
        return
    for line in content.partition(b"\0")[0].split(b"\n"):
        if len(line) < LONGEST_LINE and (found := _line(line.lstrip(_BLANK), macros)) is not None:
            yield found


def parse_file(content: bytes) -> Iterator[Rule | Macro]:
    """
    The same for ``info/attributes``, which may begin with a byte order mark.
    """
    return parse(content.removeprefix(_BOM), macros=True)


def is_name(name: bytes) -> bool:
    """
    Whether an attribute may have that name.
    """
    return _NAME.match(name) is not None


def _line(line: bytes, macros: bool) -> Rule | Macro | None:
    if not line or line.startswith(b"#"):
        return None
    name, rest = _first_word(line)
    is_macro = name.startswith(_MACRO) and len(name) + len(rest) > len(_MACRO)
    if is_macro:
        if not macros:
            return None
        name, rest = _split((name + rest)[len(_MACRO) :].lstrip(_BLANK))
        if not is_name(name):
            return None
    assignments = []
    for word in _WORD.findall(rest):
        assignment = _assignment(word)
        if assignment is None:
            return None
        assignments.append(assignment)
    if is_macro:
        return Macro(name, tuple(assignments))
    if name.startswith(b"!"):
        return None
    return Rule(name.removesuffix(b"/"), name.endswith(b"/"), tuple(assignments))


def _first_word(line: bytes) -> tuple[bytes, bytes]:
    if line.startswith(b'"') and (found := unquoted(line)) is not None:
        return found
    return _split(line)


def _split(line: bytes) -> tuple[bytes, bytes]:
    found = _WORD.match(line)
    end = 0 if found is None else found.end()
    return line[:end], line[end:]


def _assignment(word: bytes) -> Assignment | None:
    sign = word[:1] if word[:1] in (b"-", b"!") else b""
    name, equals, value = word[len(sign) :].partition(b"=")
    if not is_name(name):
        return None
    if sign:
        return Assignment(name, False if sign == b"-" else None)
    return Assignment(name, value if equals else True)


def _by_basename(pattern: bytes) -> Callable[[bytes, bytes], bool]:
    if not SPECIAL.search(pattern):
        return lambda path, base: path.rpartition(b"/")[2] == pattern
    if pattern.startswith(b"*") and not SPECIAL.search(pattern[1:]):
        ending = pattern[1:]
        return lambda path, base: path.rpartition(b"/")[2].endswith(ending)
    matches = compiled(pattern, components=False)
    return lambda path, base: matches(path.rpartition(b"/")[2]) is not None


def _by_path(pattern: bytes) -> Callable[[bytes, bytes], bool]:
    pattern = pattern.removeprefix(b"/")
    special = SPECIAL.search(pattern)
    # git compares what stands before the first special character by itself; so the stars of ``a/b**`` are a pattern of their own.
    literal = pattern if special is None else pattern[: special.start()]
    matches = None if special is None else compiled(pattern[special.start() :], components=True)

    def match(path: bytes, base: bytes) -> bool:
        if base:
            if not path.startswith(base + b"/"):
                return False
            path = path[len(base) + 1 :]
        if not path.startswith(literal):
            return False
        rest = path[len(literal) :]
        return not rest if matches is None else matches(rest) is not None

    return match
