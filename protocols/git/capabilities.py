"""
Capabilities: what a client and a server tell each other that they can do.

In v0 and v1 they are words behind a NUL, ``name`` or ``name=value``; in v2 each has a line of its own, and a value may hold
spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import field, frozen

from .errors import InvalidCapability

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_UNPRINTABLE = re.compile(rb"[^\x21-\x7e]")


def agent(name: bytes) -> bytes:
    """
    :returns: ``name`` as the value of an ``agent`` capability: whatever is not printable ASCII becomes a dot, as in git.
    """
    return _UNPRINTABLE.sub(b".", name)


def _checked(items: Iterable[tuple[bytes, bytes | None]]) -> tuple[tuple[bytes, bytes | None], ...]:
    items = tuple(items)
    for name, value in items:
        whole = name if value is None else name + b"=" + value
        if not name or b" " in name or b"=" in name or _CONTROL.search(whole):
            raise InvalidCapability(whole)
    return items


@frozen
class Capabilities:
    """
    Capabilities in the order they were given. A name may occur more than once, as ``symref`` does.

    :param items: names, each with its value or ``None``.
    :raises InvalidCapability: for a control character anywhere, or a name that is none.
    """

    items: tuple[tuple[bytes, bytes | None], ...] = field(default=(), converter=_checked)

    @classmethod
    def parse(cls, words: bytes) -> Capabilities:
        """
        :param words: capabilities with spaces between them; more than one space counts as one.
        """
        return cls.parse_lines(filter(None, words.split(b" ")))

    @classmethod
    def parse_lines(cls, lines: Iterable[bytes]) -> Capabilities:
        """
        :param lines: one capability each, without a newline.
        """
        parts = (line.partition(b"=") for line in lines)
        return cls((name, value if equals else None) for name, equals, value in parts)

    def has(self, name: bytes) -> bool:
        """
        Whether it is there, with a value or without.
        """
        return any(known == name for known, _ in self.items)

    def value(self, name: bytes) -> bytes | None:
        """
        The first value given for a name; ``None`` if there is none.
        """
        return next((value for known, value in self.items if known == name and value is not None), None)

    def values(self, name: bytes) -> list[bytes]:
        """
        All values given for a name.
        """
        return [value for known, value in self.items if known == name and value is not None]

    def lines(self) -> list[bytes]:
        """
        One capability each, without a newline.
        """
        return [name if value is None else name + b"=" + value for name, value in self.items]

    def encode(self) -> bytes:
        """
        :returns: the capabilities as words.
        :raises ValueError: if a value holds a space, which only v2 can express.
        """
        lines = self.lines()
        if any(b" " in line for line in lines):
            raise ValueError("a capability with a space does not fit into a list of words")
        return b" ".join(lines)
