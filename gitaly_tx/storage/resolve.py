"""
From the path in a clone URL to a repository.

URLs are typed by people, so ``.git`` may be there or not, whatever the directory is called, and a repository with a work tree is
found by the name of the work tree.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from .errors import PathRefused

SUFFIX = ".git"


def checked(path: str) -> str:
    """
    A path from a URL, normalised.

    :raises GitalyError: INVALID_ARGUMENT for one that names no repository: an empty one, one with ``..``, one that a shell would
        expand, one with control characters or with bytes that are no UTF-8.
    """
    if any(character < " " or "\x7f" <= character <= "\x9f" or "\ud800" <= character <= "\udfff" for character in path):
        raise PathRefused("repository path contains control characters", path)
    if ".." in path.split("/"):
        raise PathRefused("relative path escapes root directory", path)
    normal = posixpath.normpath(path.strip("/"))
    if normal.startswith("~"):
        raise PathRefused("repository path begins with a tilde", path)
    if _base(normal) in ("", "."):
        raise PathRefused("repository path not set", path)
    return normal


def candidates(path: str) -> Iterator[str]:
    """
    The paths that a checked path may stand for, the most literal first.
    """
    base = _base(path)
    tried = set()
    for candidate in (path, f"{path}{SUFFIX}", f"{path}/{SUFFIX}", base, f"{base}{SUFFIX}", f"{base}/{SUFFIX}"):
        if candidate not in tried:
            tried.add(candidate)
            yield candidate


def creation_path(path: str) -> str:
    """
    Where a repository is made that a checked path asks for: always a bare one whose name ends in ``.git``.
    """
    return _base(path) + SUFFIX


def _base(path: str) -> str:
    """
    Without ``.git``, as a suffix or as the directory in a work tree.
    """
    return path.removesuffix(SUFFIX).rstrip("/")
