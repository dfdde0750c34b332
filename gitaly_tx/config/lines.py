"""
Where in a TOML file a key stands.

The standard library's parser gives values without positions. This is a light second look at a text that is known to parse: table
headers, keys, and the elements of arrays, each with its line. Where it is at a loss, the line of what surrounds the key is given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]
"""The way to a value from the top: ``("storage", 0, "path")``."""

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'  # multi-line, with escapes
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^\s,\]}#]+(?: [0-9][^\s,\]}#]*)?")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


class Lines:
    """
    The lines of all keys of one text.

    :param text: valid TOML; of anything else, what can be understood.
    """

    def __init__(self, text: str) -> None:
        self._found: dict[KeyPath, int] = {}
        _Reader(text, self._found).read()

    @property
    def keys(self) -> Mapping[KeyPath, int]:
        """
        Everything that has a line.
        """
        return self._found

    def line(self, path: KeyPath) -> int:
        """
        The line of a key, or of the nearest thing around it; 0 if there is none.
        """
        for length in range(len(path), 0, -1):
            if path[:length] in self._found:
                return self._found[path[:length]]
        return 0


class _Lost(Exception):
    """
    The text is not what was expected here.
    """


class _Reader:
    def __init__(self, text: str, found: dict[KeyPath, int]) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0
        self._found = found
        self._arrays: dict[KeyPath, int] = {}

    def read(self) -> None:
        table: KeyPath = ()
        try:
            while self._skip(_BLANK) and self._at < len(self._text):
                table = self._header() if self._peek("[") else self._pair(table, table)
        except (_Lost, RecursionError):
            return

    def _header(self) -> KeyPath:
        line = self._now()
        array = self._text.startswith("[[", self._at)
        self._at += 2 if array else 1
        names = self._key()
        self._expect("]]" if array else "]")
        path: KeyPath = ()
        for name in names[:-1]:
            path = (*path, name)
            self._found.setdefault(path, line)
            if path in self._arrays:
                path = (*path, self._arrays[path])  # Below an array of tables means below its last one.
        path = (*path, names[-1])
        self._found.setdefault(path, line)
        if array:
            self._arrays[path] = self._arrays.get(path, -1) + 1
            path = (*path, self._arrays[path])
            self._found.setdefault(path, line)
        return path

    def _pair(self, table: KeyPath, after: KeyPath) -> KeyPath:
        line = self._now()
        path = table + self._key()
        for length in range(len(table) + 1, len(path) + 1):
            self._found.setdefault(path[:length], line)
        self._expect("=")
        self._skip(_SPACE)
        self._value(path)
        return after

    def _key(self) -> tuple[str, ...]:
        names: list[str] = []
        while True:
            self._skip(_SPACE)
            if found := _BARE.match(self._text, self._at):
                names.append(found[0])
            elif found := _STRING.match(self._text, self._at):
                names.append(_unquote(found[0]))
            else:
                raise _Lost
            self._at = found.end()
            self._skip(_SPACE)
            if not self._peek("."):
                return tuple(names)
            self._at += 1

    def _value(self, path: KeyPath) -> None:
        if self._peek("["):
            self._array(path)
        elif self._peek("{"):
            self._inline(path)
        elif found := _STRING.match(self._text, self._at) or _SCALAR.match(self._text, self._at):
            self._at = found.end()
        else:
            raise _Lost

    def _array(self, path: KeyPath) -> None:
        self._at += 1
        index = 0
        while self._skip(_BLANK) and not self._peek("]"):
            self._found.setdefault((*path, index), self._now())
            self._value((*path, index))
            index += 1
            self._skip(_BLANK)
            if not self._peek("]"):
                self._expect(",")
        self._expect("]")

    def _inline(self, path: KeyPath) -> None:
        self._at += 1
        while self._skip(_BLANK) and not self._peek("}"):
            self._pair(path, path)
            self._skip(_BLANK)
            if not self._peek("}"):
                self._expect(",")
        self._expect("}")

    def _peek(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _expect(self, text: str) -> None:
        if not self._peek(text):
            raise _Lost
        self._at += len(text)

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return True

    def _now(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line


def _unquote(text: str) -> str:
    if text.startswith("'"):
        return text[1:-1]

    def replaced(found: re.Match[str]) -> str:
        code = found[1] or found[2]
        return chr(int(code, 16)) if code else _ESCAPED.get(found[3], found[3])

    return _ESCAPE.sub(replaced, text[1:-1])


__all__ = ["KeyPath", "Lines"]
