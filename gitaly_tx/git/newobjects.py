"""
The walk from new tips to what a repository's refs reach: whether everything on the way is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .command import Command
from .directory import GitDirectory
from .objectid import ObjectID

_UNREADABLE_REFS_ARE_NONE = {"GIT_REF_PARANOIA": "0"}
"""
A loose ref that is deleted after git has read its directory and before it reads the file is a broken ref to git, and it gives up
("bad object refs/heads/..."). Without a ref to end at a walk sees more objects, never fewer, so here it can be left out.
"""


def walk_new(directory: GitDirectory, options: Iterable[str] = (), environment: Mapping[str, str] | None = None) -> Command:
    """
    ``git rev-list`` that ends with 0 if every object is there that is reachable from the tips on its standard input and not from
    the refs.

    :param directory: the repository, with a quarantine or without.
    :param options: beside the usual ones.
    :param environment: variables beside the usual ones.
    """
    return Command(
        "rev-list",
        ["--objects", "--stdin", "--not", "--all", "--quiet", *options],
        directory=directory,
        environment={**_UNREADABLE_REFS_ARE_NONE, **(environment or {})},
    )


def tip_lines(tips: Iterable[ObjectID]) -> bytes:
    """
    Tips as :func:`walk_new` reads them.
    """
    return b"".join(tip + b"\n" for tip in tips)
