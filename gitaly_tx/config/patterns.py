"""
Patterns of repository paths, as rules use them.

``*`` stands for any characters within one component of the path, ``?`` for one, ``**`` as a whole component for any number of
components, at the end for at least one. Everything else stands for itself; case matters. ``team/*`` is ``team/thing`` and not
``team/a/b``; ``team/**`` is both and not ``team``; ``**`` is every repository.

Matching takes time in proportion to the lengths of pattern and path at worst multiplied: whoever asks chooses the path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from attrs import field, frozen

P = TypeVar("P")
T = TypeVar("T")


@frozen
class Pattern:
    """
    A pattern, ready to match. Made by :func:`parse_pattern`.

    :param text: as it was written.
    """

    text: str
    _parts: tuple[str, ...] = field(repr=False)

    def matches(self, path: str) -> bool:
        """
        :param path: ``team/thing``: no slash at either end, no ``.git``.
        """
        return _matches(self._parts, path.split("/"), _is_double, _component)

    def __str__(self) -> str:
        return self.text


def parse_pattern(text: str) -> Pattern:
    """
    :param text: a slash in front and ``.git`` at the end are left out.
    :raises ValueError: if it can never match, with the reason in words.
    """
    parts = text.removeprefix("/").removesuffix(".git").split("/")
    if not text.strip("/"):
        raise ValueError("a pattern cannot be empty")
    if "" in parts:
        raise ValueError(f"{text!r} has an empty component")
    if "." in parts or ".." in parts:
        raise ValueError(f"{text!r} has a component that is . or ..")
    if any("**" in part and part != "**" for part in parts):
        raise ValueError(f"{text!r}: ** stands alone between slashes")
    if parts[-1] == "**":
        parts = [*parts[:-1], "*", "**"]
    return Pattern(text, tuple(parts))


def _is_double(part: str) -> bool:
    return part == "**"


def _is_star(character: str) -> bool:
    return character == "*"


def _component(part: str, name: str) -> bool:
    return _matches(part, name, _is_star, _character)


def _character(wanted: str, found: str) -> bool:
    return wanted in (found, "?")


def _matches(pattern: Sequence[P], items: Sequence[T], is_star: Callable[[P], bool], same: Callable[[P, T], bool]) -> bool:
    """
    Greedy matching: on a mismatch only the last star takes one item more, which is enough (a star before it never needs to).
    """
    at = done = 0
    star, taken = -1, 0
    while done < len(items):
        if at < len(pattern) and is_star(pattern[at]):
            star, taken = at, done
            at += 1
        elif at < len(pattern) and same(pattern[at], items[done]):
            at += 1
            done += 1
        elif star >= 0:
            taken += 1
            at, done = star + 1, taken
        else:
            return False
    return all(is_star(rest) for rest in pattern[at:])


__all__ = ["Pattern", "parse_pattern"]
