"""
Commit and tag objects: their headers, the people in them, their signatures.

Objects in the wild hold what git itself would not write, and Gitaly's clients are shown them all the same; so nothing here
raises.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from attrs import frozen

SMALL: Final = 4096
"""Bytes of a commit that is kept when it was taken apart: the same few are asked for again and again."""

_SECONDS = re.compile(rb"[+-]?[0-9]+\Z")

LATEST = 1 << 53
"""The latest date that is believed, in seconds since 1970."""

FALLBACK = 9223371974719179007
"""Seconds since 1970 that Gitaly's clients know as "no usable date"."""


@frozen
class Person:
    """
    Who did something, and when.

    :param seconds: since 1970; :data:`FALLBACK` if the object says nothing usable, ``None`` if it says nothing.
    :param zone: as it stands there: ``+0200``.
    """

    name: bytes
    email: bytes = b""
    seconds: int | None = None
    zone: bytes = b""


@frozen
class RawCommit:
    """
    A commit as its object has it.

    :param author: ``None`` if there is no such line.
    :param signature: the first line of the signature, empty if there is none.
    :param message: everything after the headers.
    """

    tree: bytes = b""
    parents: tuple[bytes, ...] = ()
    author: Person | None = None
    committer: Person | None = None
    encoding: bytes = b""
    signature: bytes = b""
    message: bytes = b""


@frozen
class RawTag:
    """
    A tag as its object has it.

    :param tagger: ``None`` if there is no such line.
    :param message: everything after the headers, with the signature.
    """

    target: bytes = b""
    type: bytes = b""
    name: bytes = b""
    tagger: Person | None = None
    message: bytes = b""


def person(line: bytes) -> Person:
    """
    What stands after ``author`` or ``committer``: ``A U Thor <author@example.org> 1700000000 +0100``.
    """
    name, opened, rest = line.partition(b"<")
    name = name.removesuffix(b" ")
    email, closed, rest = rest.partition(b">")
    if not opened or not closed:
        return Person(name)
    fields = rest.split()
    if not fields:
        return Person(name, email)
    seconds = int(fields[0]) if _SECONDS.match(fields[0]) and len(fields[0]) < 20 else -1
    zone = fields[1] if len(fields) == 2 else b""
    return Person(name, email, seconds if 0 <= seconds <= LATEST else FALLBACK, zone)


def commit(data: bytes) -> RawCommit:
    """
    Take a commit object apart. Of a header that is there twice, the last counts.
    """
    return _kept(data) if len(data) <= SMALL else _commit(data)


def _commit(data: bytes) -> RawCommit:
    headers, _, message = data.partition(b"\n\n")
    if data.startswith(b"\n"):
        headers, message = b"", data[1:]
    parents: list[bytes] = []
    found: dict[bytes, bytes] = {}
    for line in headers.split(b"\n"):
        key, separator, value = line.partition(b" ")
        if not separator or not key:
            continue
        if key == b"parent":
            parents.append(value)
        else:
            found[b"gpgsig" if key == b"gpgsig-sha256" else key] = value
    return RawCommit(
        tree=found.get(b"tree", b""),
        parents=tuple(parents),
        author=_person(found.get(b"author")),
        committer=_person(found.get(b"committer")),
        encoding=found.get(b"encoding", b""),
        signature=found.get(b"gpgsig", b""),
        message=message,
    )


_kept = lru_cache(maxsize=1024)(_commit)


def tag(data: bytes) -> RawTag:
    """
    Take a tag object apart.
    """
    headers, _, message = data.partition(b"\n\n")
    found = dict(line.split(b" ", 1) for line in headers.split(b"\n") if b" " in line)
    return RawTag(
        target=found.get(b"object", b""),
        type=found.get(b"type", b""),
        name=found.get(b"tag", b""),
        tagger=_person(found.get(b"tagger")),
        message=message,
    )


def _person(line: bytes | None) -> Person | None:
    return None if line is None else person(line)


def signed_parts(data: bytes) -> tuple[bytes, bytes] | None:
    """
    A commit's signature, and what it signs: the object without the signature's header.

    :returns: ``None`` for a commit without a signature.
    """
    end = data.find(b"\n\n")
    headers = data if end < 0 else data[: end + 1]
    found = re.search(rb"^gpgsig(?:-sha256)? ((?:.*)(?:\n .*)*)\n?", headers, re.MULTILINE)
    if found is None:
        return None
    return found[1].replace(b"\n ", b"\n"), data[: found.start()] + data[found.end() :]


def subject(message: bytes) -> bytes:
    """
    The first line of a message.
    """
    return message.partition(b"\n")[0].rstrip(b"\r")
