"""
Whether a repository's refs are still what they were, whoever writes them.
"""

from __future__ import annotations

import os

from attrs import field, frozen

from .directory import GitDirectory
from .fileidentity import FileIdentity, identify

MOST_FILES = 20_000
"""With more loose refs than this, asking git costs less than looking."""

_ONCE = ("HEAD", "packed-refs", "config", "shallow", "reftable/tables.list", "objects/pack", "objects/info/alternates")
"""Packs and lenders because git does not tell of a ref whose object is missing."""


@frozen
class RefsMark:
    """
    Two equal ones mean that no ref changed in between.

    :param files: the identity of each file that says something of refs.
    :param racy: something changed so shortly before that a later change might not show: what is found out now must not be kept.
    """

    files: tuple[tuple[str, FileIdentity], ...]
    racy: bool = field(eq=False)


class TooMany(Exception):
    """
    There are more loose refs than one likes to look at.
    """


def mark_refs(directory: GitDirectory) -> RefsMark | None:
    """
    Look at everything that says what refs there are. Blocking.

    :returns: ``None`` if that is too much, or cannot be read.
    """
    found = [(name, identify(os.path.join(directory.path, name))) for name in _ONCE]
    try:
        _walk(os.path.join(directory.path, "refs"), "refs", found)
    except (OSError, TooMany):
        return None
    return RefsMark(tuple(found), any(identity.racy for _, identity in found))


def _walk(path: str, name: str, found: list[tuple[str, FileIdentity]]) -> None:
    found.append((name, identify(path)))
    with os.scandir(path) as entries:
        for entry in sorted(entries, key=_by_name):
            if len(found) >= MOST_FILES:
                raise TooMany
            if entry.is_dir(follow_symlinks=False):
                _walk(entry.path, f"{name}/{entry.name}", found)
            else:
                found.append((f"{name}/{entry.name}", identify(entry.path)))


def _by_name(entry: os.DirEntry[str]) -> str:
    return entry.name
