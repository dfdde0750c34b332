"""
Trailers of commit messages, such as ``Signed-off-by: A <a@example.org>``: which lines are some is git's rule
(git-interpret-trailers(1)), as ``git log --format='%(trailers:unfold)'`` shows them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

MOST: Final = 64
"""How many trailers of one message are told."""

LONGEST_KEY: Final = 128
LONGEST_VALUE: Final = 512

_SPACE: Final = b" \t\n\r"
_SCISSORS: Final = b"# ------------------------ >8 ------------------------\n"
_GENERATED: Final = (b"Signed-off-by: ", b"(cherry picked from commit ")
_SEPARATOR: Final = re.compile(rb"[-A-Za-z0-9]+[ \t]*:")
_BLANK: Final = re.compile(rb"[ \t\r]*\n?\Z")
_UNFOLD: Final = re.compile(rb"\n[ \t\n\r]*")


def trailers(message: bytes) -> list[tuple[bytes, bytes]]:
    """
    Keys and values. What is not like git's trailers but stands between them, and has a colon, counts too.

    A key of more than 128 bytes or a value of more than 512 ends the list, and so does the 64th trailer.
    """
    found: list[tuple[bytes, bytes]] = []
    for text in shown(message):
        key, colon, value = text.partition(b":")
        value = value.strip()
        if not colon or not key:
            continue
        if len(found) == MOST or len(key) > LONGEST_KEY or len(value) > LONGEST_VALUE:
            break
        found.append((key, value))
    return found


def shown(message: bytes) -> Iterator[bytes]:
    """
    The lines of the block of trailers, each with its continuation lines unfolded.
    """
    for line in _unfolded(_block(_without_leading_blank_lines(message.partition(b"\0")[0]))):
        separator = _SEPARATOR.match(line)
        if separator is None:
            yield line.rstrip(_SPACE)
            continue
        value = _UNFOLD.sub(b" ", line[separator.end() :].strip(_SPACE)).strip(_SPACE)
        yield line[: separator.end() - 1].strip(_SPACE) + b": " + value


def _lines(text: bytes) -> list[bytes]:
    """
    With their newlines.
    """
    return re.findall(rb"[^\n]*\n|[^\n]+\Z", text)


def _without_leading_blank_lines(message: bytes) -> bytes:
    lines = _lines(message)
    while lines and _BLANK.match(lines[0]):
        message = message[len(lines.pop(0)) :]
    return message


def _block(message: bytes) -> list[bytes]:
    """
    The lines of the last paragraph, if they are trailers.
    """
    lines = _lines(message[: _end(message)])
    title = 0
    while title < len(lines) and (lines[title].startswith(b"#") or not _BLANK.match(lines[title])):
        title += 1
    generated = False
    good = bad = maybe = 0
    blank_so_far = True
    for number in range(len(lines) - 1, title - 1, -1):
        line = lines[number]
        if line.startswith(b"#"):
            bad, maybe = bad + maybe, 0
        elif _BLANK.match(line):
            if blank_so_far:
                continue
            bad += maybe
            return lines[number + 1 :] if (generated and good * 3 >= bad) or (good and not bad) else []
        elif line.startswith(_GENERATED):
            good, maybe, generated = good + 1, 0, True
        elif _SEPARATOR.match(line):
            good, maybe = good + 1, 0
        elif line[:1] in (b" ", b"\t", b"\r"):
            maybe += 1
        else:
            bad, maybe = bad + maybe + 1, 0
        blank_so_far = blank_so_far and line.startswith(b"#")
    return []


def _end(message: bytes) -> int:
    """
    Where comments, lists of conflicts and what follows a scissors line begin, at the end of a message.
    """
    cut = len(message)
    if message.startswith(_SCISSORS):
        cut = 0
    elif (found := message.find(b"\n" + _SCISSORS)) >= 0:
        cut = found + 1
    begin = position = 0
    conflicts = False
    for line in _lines(message):
        if position >= cut:
            break
        if line.startswith((b"#", b"\n")):
            begin = begin or position
        elif line == b"Conflicts:\n":
            conflicts = True
            begin = begin or position
        elif not (conflicts and line.startswith(b"\t")) and begin:
            begin, conflicts = 0, False
        position += len(line)
    return begin or cut


def _unfolded(lines: list[bytes]) -> Iterator[bytes]:
    """
    Join lines that begin with a space to the trailer before them.
    """
    waiting: bytes | None = None
    for line in lines:
        if waiting is not None and line[:1] in (b" ", b"\t", b"\r", b"\n"):
            waiting += line
            continue
        if waiting is not None:
            yield waiting
        waiting = None
        if _SEPARATOR.match(line):
            waiting = line
        else:
            yield line
    if waiting is not None:
        yield waiting
