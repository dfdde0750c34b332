"""
What an application tells the user after a push, laid out for a terminal. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from .gitlabapi import Message

WIDTH: Final = 72
"""How wide an alert is, with a border on the left and on the right where the remote's name stands."""

TEXT_WIDTH: Final = 68
"""How long its lines may be."""


class UnknownKind(ValueError):
    """
    The application sent a message of a kind that nobody knows.
    """


def pieces(messages: Iterable[Message]) -> Iterator[bytes]:
    """
    :returns: what is written, piece by piece.
    :raises UnknownKind: when a message's turn comes whose kind is neither ``basic`` nor ``alert``.
    """
    for message in messages:
        yield b"\n"
        text = message.text.encode("utf-8", "surrogatepass")
        if message.kind == "basic":
            yield text
        elif message.kind == "alert":
            yield alert(text)
        else:
            raise UnknownKind(f"invalid message type: {message.kind}")
        yield b"\n\n"


def alert(text: bytes) -> bytes:
    """
    A text between two lines, wrapped and centred.
    """
    border = b"=" * WIDTH
    return b"\n\n".join((border, b"\n".join(map(_centred, _wrapped(text.split()))), border))


def _wrapped(words: Iterable[bytes]) -> list[bytes]:
    """
    Lines of words. A word that is longer than a line has one of its own, below whatever came before it, be that nothing.
    """
    lines, line = [], b""
    for word in words:
        if len(line) + 1 + len(word) > TEXT_WIDTH:
            lines.append(line)
            line = b""
        line += word + b" "
    return [*lines, line]


def _centred(line: bytes) -> bytes:
    line = line.strip()
    return b" " * max((WIDTH - len(line)) // 2, 0) + line
