"""
Where a repository's objects may lie besides its own object directory.
"""

from __future__ import annotations

import os

from .directory import GitDirectory
from .parse.cquote import unquoted

DEPTH = 5
"""How many steps of alternates of alternates are followed: as many as git does."""

MAXIMUM = 1 << 20
"""Bytes of one ``info/alternates`` file that are read."""


def read_alternates(object_directory: str) -> tuple[str, ...]:
    """
    The paths in ``info/alternates``, made absolute, in their order; none if there is no such file.

    Comments, empty lines and lines that hold a NUL are left out, and a path in double quotes is unquoted, as git does.
    """
    name = f"{object_directory}/info/alternates"
    if not os.access(name, os.F_OK):  # cheaper than an exception, for nearly all
        return ()
    try:
        with open(name, "rb") as file:
            content = file.read(MAXIMUM)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    found = []
    for line in content.split(b"\n"):
        if not line or line.startswith(b"#") or b"\0" in line:
            continue
        path = os.fsdecode(_unquoted(line))
        found.append(os.path.normpath(os.path.join(object_directory, path)))
    return tuple(found)


def object_directories(directory: GitDirectory) -> list[str]:
    """
    Every object directory of a repository in the order in which objects are looked for, each once: the quarantine or its own,
    then the alternates that were given with it, then those that the files say, at most :data:`DEPTH` steps deep.
    """
    found: dict[str, None] = {}

    def add(path: str, depth: int) -> None:
        if path in found:
            return
        found[path] = None
        if depth < DEPTH:
            for other in read_alternates(path):
                add(other, depth + 1)

    add(directory.object_directory or directory.objects, 0)
    for path in directory.alternates:
        add(path, 0)
    return list(found)


def _unquoted(line: bytes) -> bytes:
    """
    A line that is not quoted well is taken as it stands.
    """
    found = unquoted(line)
    return line if found is None else found[0]
